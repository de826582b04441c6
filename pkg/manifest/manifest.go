// Package manifest says what subscriptions should be: the format of the files, the plan that brings Tripletex to
// what they say, its execution with a proof, and the way back from what there is to a file.
// It leaves reading files, finding secrets, asking people and printing to others.
package manifest

import (
	"errors"
	"slices"
	"strconv"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// formatVersion is the version of the format that this package reads.
const formatVersion = 1

// Source is the content of one file.
type Source struct {
	Name    string // for messages
	Folder  string // that references to files are relative to
	Content []byte
}

// Manifest is what files say, before patterns of events are replaced and secrets are found.
type Manifest struct {
	// Owns are addresses; only what lies below them may be pruned.
	Owns    []string
	entries []entry
	count   int      // of entries, each of which may have several events
	scoped  []scoped // documents that name companies
	general bool     // there is one that does not
}

// Parse reads manifests; what they say counts together. It returns an [*Error] with everything that is wrong.
func Parse(sources ...Source) (*Manifest, error) {
	m, wrong := &Manifest{}, []Problem{}
	for _, source := range sources {
		wrong = append(wrong, m.add(source)...)
	}
	if len(sources) == 0 {
		wrong = append(wrong, Problem{Position{File: "manifest"}, "there is none"})
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
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey()) // which are found below, with a better message
	if err != nil {
		p.malformed(err, source.Content)
		return p.all
	}
	documents := 0
	for _, document := range file.Docs {
		if !isNull(document.Body) {
			documents++
			m.document(p, document.Body, source.Folder)
		}
	}
	if documents == 0 {
		p.add(Position{source.Name, 1, 1}, "is empty; a manifest begins with version: %d", formatVersion)
	}
	return p.all
}

// malformed says what the parser could not read, in plain words where a tab is to blame.
func (p *problems) malformed(err error, content []byte) {
	var syntax yaml.Error
	if !errors.As(err, &syntax) {
		p.add(Position{File: p.file}, "is no YAML: %v", err)
		return
	}
	at, message := p.at(syntax.GetToken()), syntax.GetMessage()
	if tabbed(content, at.Line) {
		message = "a tab cannot indent YAML; use spaces"
	}
	p.add(at, "%s", message)
}

// tabbed tells whether a line is indented with a tab.
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

func documentKeys() []string {
	return []string{"$schema", "version", "companies", "owns", "defaults", "subscriptions"}
}

// document reads one document.
func (m *Manifest) document(p *problems, body ast.Node, folder string) {
	values, ok := p.mapping(body, "a manifest", documentKeys())
	if !ok {
		return
	}
	p.version(body, values["version"])
	said := scoped{companies: p.companies(values["companies"])}
	if owns := values["owns"]; owns != nil {
		said.owns = p.owns(owns)
	}
	base := settings{}
	if defaults := values["defaults"]; !isNull(defaults) {
		if values, ok := p.mapping(defaults, "defaults", settingKeys()); ok {
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
		said.entries = append(said.entries, p.entry(node, m.count, base, folder)...)
	}
	if said.companies != nil {
		m.scoped = append(m.scoped, said)
		return
	}
	m.general = true
	m.Owns, m.entries = append(m.Owns, said.owns...), append(m.entries, said.entries...)
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
		p.add(p.of(body), "a manifest begins with version: %d", formatVersion)
	case n.GetToken().Value != strconv.Itoa(formatVersion) || n.Type() != ast.IntegerType:
		p.add(p.of(n), "version must be %d; this tlxhook reads no other", formatVersion)
	}
}
