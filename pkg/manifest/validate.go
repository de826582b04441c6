package manifest

import (
	"errors"
	"fmt"
	"net/url"
	"slices"

	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Len returns the number of entries in the files.
func (m *Manifest) Len() int { return m.count }

// Validate returns an [*Error] for problems that need no request to Tripletex: subscriptions that are wanted twice, and
// targets and fields that Tripletex refuses. It expands no patterns and needs no secrets.
func (m *Manifest) Validate() error {
	parts := []scoped{{}}
	if len(m.scoped) > 0 {
		parts = m.scoped
	}
	var wrong []Problem
	for i, part := range parts {
		one := Manifest{entries: slices.Concat(m.entries, part.entries)}
		one.entries = slices.DeleteFunc(one.entries, func(e entry) bool { return match.IsPattern(e.event.value) })
		_, err := one.Expand(nil)
		if e, ok := errors.AsType[*Error](err); ok && (i == 0 || len(part.entries) > 0) {
			wrong = append(wrong, e.Problems...)
		}
	}
	for _, e := range m.all() {
		if err := e.check(); err != nil {
			wrong = append(wrong, Problem{e.event.at, err.Error()})
		}
	}
	return failure(wrong)
}

// Warnings returns warnings about the fields of the entries. Entries of a file with the same fields have each
// warning once, at the first of them.
func (m *Manifest) Warnings() (all []Problem) {
	type warning struct{ file, fields, text string }
	seen := map[warning]bool{}
	for _, e := range m.all() {
		for _, text := range match.FieldWarnings(e.fields, e.event.value) {
			if one := (warning{e.event.at.File, e.fields, text}); !seen[one] {
				seen[one] = true
				all = append(all, Problem{e.event.at, text})
			}
		}
	}
	return all
}

// check returns the settings of an entry that Tripletex refuses, without regard to secrets.
func (e entry) check() error {
	event := e.event.value
	if match.IsPattern(event) {
		event = "order.create" // any that is valid
	}
	return tripletex.NewSubscription{Event: event, TargetURL: e.target, Fields: e.fields}.Check(tripletex.HTTPOnLoopback)
}

// CheckPrune returns an [*Error] if no document has owns, as pruning then deletes nothing.
func (m *Manifest) CheckPrune() error {
	owns := len(m.Owns)
	for _, s := range m.scoped {
		owns += len(s.owns)
	}
	all := m.all()
	if owns > 0 || len(all) == 0 {
		return nil
	}
	root := "https://hooks.example.no/"
	if u, err := url.Parse(all[0].target); err == nil {
		root = (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/"}).String()
	}
	return failure([]Problem{{
		Position{File: all[0].event.at.File}, fmt.Sprintf("--prune deletes nothing without owns; add the line owns: [%q]", root),
	}})
}
