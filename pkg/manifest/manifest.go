// Package manifest reads manifests of subscriptions, plans the changes that they need, executes plans, verifies the
// result, and exports existing subscriptions. It neither prompts nor prints.
package manifest

import (
	"errors"
	"slices"
	"strconv"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// formatVersion is the only version of the format.
const formatVersion = 1

// Source is the content of one file.
type Source struct {
	Name    string // for messages
	Folder  string // base of relative references to files
	Content []byte
}

// Manifest is the content of files, with unexpanded patterns and references to secrets.
type Manifest struct {
	// Owns are the URLs below which subscriptions may be pruned.
	Owns    []string
	entries []entry
	count   int      // entries in all files
	scoped  []scoped // documents that name companies
	general bool     // a document without companies exists
}

// Parse reads several files as one manifest. It returns an [*Error] with all problems.
func Parse(sources ...Source) (*Manifest, error) {
	m, wrong := &Manifest{}, []Problem{}
	for _, source := range sources {
		wrong = append(wrong, m.add(source)...)
	}
	if len(sources) == 0 {
		wrong = append(wrong, Problem{Position{File: "manifest"}, "no file given"})
	}
	return m, failure(wrong)
}

// add reads one file, which may hold several documents.
func (m *Manifest) add(source Source) []Problem {
	p := &problems{file: source.Name}
	tokens := p.scan(source.Content)
	if p.all != nil {
		return p.all
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey()) // mapping reports them with a better message
	if err != nil {
		p.malformed(err, source.Content)
		return p.all
	}
	empty := true
	for _, document := range file.Docs {
		if !isNull(document.Body) {
			empty = false
			m.document(p, document.Body, source.Folder)
		}
	}
	if empty {
		p.add(Position{source.Name, 1, 1}, "is empty; a manifest starts with version: %d", formatVersion)
	}
	return p.all
}

// malformed adds the problem of a syntax error, with a plain message for tabs.
func (p *problems) malformed(err error, content []byte) {
	var syntax yaml.Error
	if !errors.As(err, &syntax) {
		p.add(Position{File: p.file}, "is not YAML: %v", err)
		return
	}
	at, message := p.at(syntax.GetToken()), syntax.GetMessage()
	if tabbed(content, at.Line) {
		message = "a tab cannot indent YAML; use spaces"
	}
	p.add(at, "%s", message)
}

// tabbed reports whether a line is indented with a tab.
func tabbed(content []byte, line int) bool {
	for _, c := range lineOf(content, line) {
		if c != ' ' {
			return c == '\t'
		}
	}
	return false
}

func lineOf(content []byte, line int) []byte {
	for range line - 1 {
		i := slices.Index(content, '\n')
		if i < 0 {
			return nil
		}
		content = content[i+1:]
	}
	return content
}

// document reads one document.
func (m *Manifest) document(p *problems, body ast.Node, folder string) {
	values, ok := p.mapping(body, "a manifest", "$schema", "version", "companies", "owns", "defaults", "subscriptions")
	if !ok {
		return
	}
	p.version(body, values["version"])
	read := scoped{companies: p.companies(values["companies"])}
	if owns := values["owns"]; owns != nil {
		read.owns = p.owns(owns)
	}
	base := settings{}
	if defaults := values["defaults"]; !isNull(defaults) {
		if values, ok := p.mapping(defaults, "defaults", settingKeys()...); ok {
			base = p.settings(values, settings{}, folder)
		}
	}
	list := values["subscriptions"]
	if isNull(list) {
		p.add(p.of(body), "a manifest needs subscriptions; write subscriptions: [] for none")
		return
	}
	for _, node := range p.list(list, "subscriptions") {
		m.count++
		read.entries = append(read.entries, p.entry(node, m.count, base, folder)...)
	}
	if read.companies != nil {
		m.scoped = append(m.scoped, read)
		return
	}
	m.general = true
	m.Owns, m.entries = append(m.Owns, read.owns...), append(m.entries, read.entries...)
}

// all returns the entries of all documents.
func (m *Manifest) all() []entry {
	all := slices.Clone(m.entries)
	for _, s := range m.scoped {
		all = append(all, s.entries...)
	}
	return all
}

func (p *problems) version(body, n ast.Node) {
	switch {
	case isNull(n):
		p.add(p.of(body), "a manifest starts with version: %d", formatVersion)
	case n.GetToken().Value != strconv.Itoa(formatVersion) || n.Type() != ast.IntegerType:
		p.add(p.of(n), "version must be %d; no other version is supported", formatVersion)
	}
}
