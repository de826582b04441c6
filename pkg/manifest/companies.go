package manifest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Company is a company that a manifest may apply to.
type Company struct {
	ID   int64
	Name string
}

// companies selects the companies that a document applies to.
type companies struct {
	all    bool
	named  []named
	except []named
}

// named is a company by its ID or by its name, which is compared without case.
type named struct {
	text

	id int64 // 0 for a name
}

func (n named) is(c Company) bool {
	if n.id != 0 {
		return n.id == c.ID
	}
	return strings.EqualFold(n.value, c.Name)
}

func (s *companies) has(c Company) bool {
	is := func(n named) bool { return n.is(c) }
	return (s.all || slices.ContainsFunc(s.named, is)) && !slices.ContainsFunc(s.except, is)
}

// companies reads the companies key of a document; nil without it.
func (p *problems) companies(n ast.Node) *companies {
	if n == nil {
		return nil
	}
	s, before := &companies{}, len(p.all)
	values, ok := p.mapping(n, "companies", "all", "ids", "names", "except")
	if !ok {
		return s
	}
	if all := values["all"]; all != nil {
		if t, ok := p.scalar(all, "all"); ok && t.value != "true" {
			p.add(t.at, "all must be true; omit it to select companies by ids or names")
		}
		s.all = true
	}
	s.named = p.named(values)
	if except := values["except"]; except != nil {
		if values, ok := p.mapping(except, "except", "ids", "names"); ok {
			s.except = p.named(values)
		}
	}
	switch {
	case len(p.all) > before: // a key may be misspelt, so that none is reported as missing
	case s.all == (len(s.named) > 0):
		p.add(p.of(n), "companies requires either all: true or ids or names")
	case len(s.except) > 0 && !s.all:
		p.add(p.of(values["except"]), "except requires all: true")
	}
	return s
}

// named reads the lists of IDs and of names.
func (p *problems) named(values keyed) []named {
	var all []named
	if ids := values["ids"]; ids != nil {
		for _, t := range p.texts(ids, "ids") {
			id, err := strconv.ParseInt(t.value, 10, 64)
			if err != nil || id <= 0 {
				p.add(t.at, "a company ID must be a number above 0")
				continue
			}
			all = append(all, named{t, id})
		}
	}
	if names := values["names"]; names != nil {
		for _, t := range p.texts(names, "names") {
			if t.value == "" {
				p.add(t.at, "a company name must not be empty")
				continue
			}
			all = append(all, named{text: t})
		}
	}
	return all
}

// scoped is a document that names companies.
type scoped struct {
	companies *companies
	owns      []string
	entries   []entry
}

// NamesCompanies reports whether a document of the manifest names companies. Only [Manifest.For] returns its
// entries.
func (m *Manifest) NamesCompanies() bool { return len(m.scoped) > 0 }

// For returns the part of the manifest that applies to a company, and whether any document does. A document that
// names no companies applies to all.
func (m *Manifest) For(c Company) (*Manifest, bool) {
	one := &Manifest{Owns: slices.Clone(m.Owns), entries: slices.Clone(m.entries), general: m.general}
	applies := m.general
	for _, s := range m.scoped {
		if s.companies.has(c) {
			applies = true
			one.Owns, one.entries = append(one.Owns, s.owns...), append(one.entries, s.entries...)
		}
	}
	return one, applies
}

// CheckCompanies returns an [*Error] for each named company that is missing from all or ambiguous.
func (m *Manifest) CheckCompanies(all []Company) error {
	var wrong []Problem
	for _, s := range m.scoped {
		for _, n := range append(slices.Clone(s.companies.named), s.companies.except...) {
			if why := n.check(all); why != "" {
				wrong = append(wrong, Problem{n.at, why})
			}
		}
	}
	return failure(wrong)
}

func (n named) check(all []Company) string {
	var ids []string
	for _, c := range all {
		if n.is(c) && !slices.Contains(ids, strconv.FormatInt(c.ID, 10)) {
			ids = append(ids, strconv.FormatInt(c.ID, 10))
		}
	}
	switch {
	case len(ids) == 0:
		return fmt.Sprintf("company %s not found; list companies with tlxhook company list", printable(n.value))
	case len(ids) > 1:
		return fmt.Sprintf("%s companies are named %s: %s; use the ID", strconv.Itoa(len(ids)), printable(n.value),
			strings.Join(ids, ", "))
	default:
		return ""
	}
}
