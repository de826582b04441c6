package manifest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/targeturl"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Document is an exported manifest. Its plan is empty.
type Document struct {
	Version       int             `json:"version"`
	Subscriptions []DocumentEntry `json:"subscriptions"`

	omitted []tripletex.Subscription
}

// DocumentEntry stands for all subscriptions with the same target and settings.
type DocumentEntry struct {
	Events     []string            `json:"events"`
	Target     string              `json:"target"`
	Fields     string              `json:"fields,omitempty"`
	Status     tripletex.Status    `json:"status,omitempty"`
	AuthHeader *DocumentAuthHeader `json:"authHeader,omitempty"`

	sample     tripletex.Subscription   // one of them, with the credentials of its target
	duplicates []tripletex.Subscription // a manifest cannot list them
}

// DocumentAuthHeader is the header of an entry. Tripletex does not return its value.
type DocumentAuthHeader struct {
	Name string `json:"name"`
}

// Export returns the manifest of existing subscriptions. Known are all events: a pattern replaces the events of an
// object if all of them have the same settings.
func Export(have []tripletex.Subscription, known []tripletex.Event) Document {
	d := Document{Version: formatVersion, Subscriptions: []DocumentEntry{}}
	groups := map[string][]tripletex.Subscription{}
	for _, s := range have {
		if tripletex.CheckEvent(s.Event) != nil || match.IsPattern(s.Event) || !isExportable(targeturl.Bare(s.TargetURL)) {
			d.omitted = append(d.omitted, s)
			continue
		}
		groups[match.Identity(s.Event, s.TargetURL)] = append(groups[match.Identity(s.Event, s.TargetURL)], s)
	}
	entries := map[entryKey]*DocumentEntry{}
	for _, s := range have {
		group := groups[match.Identity(s.Event, s.TargetURL)]
		if group == nil {
			continue
		}
		delete(groups, match.Identity(s.Event, s.TargetURL))
		slices.SortFunc(group, keptFirst(tripletex.Active))
		kept := group[0]
		if entries[keyOf(kept)] == nil {
			entries[keyOf(kept)] = newDocumentEntry(kept)
		}
		e := entries[keyOf(kept)]
		e.Events = append(e.Events, kept.Event)
		e.duplicates = append(e.duplicates, group[1:]...)
	}
	for _, e := range entries {
		e.Events = fold(e.Events, known)
		d.Subscriptions = append(d.Subscriptions, *e)
	}
	slices.SortFunc(d.Subscriptions, func(a, b DocumentEntry) int {
		return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(a.Events[0], b.Events[0]), cmp.Compare(a.sample.ID, b.sample.ID))
	})
	return d
}

// isExportable reports whether a manifest can contain a target. A URL that may contain a credential is not exported.
func isExportable(bare string) bool { return checkBare(bare) == nil && secret.MaskURL(bare) == bare }

// entryKey is the settings that the subscriptions of an entry share.
type entryKey struct {
	target, fields, header string
	active                 tripletex.Status
}

func keyOf(s tripletex.Subscription) entryKey {
	return entryKey{s.TargetURL, compact(s.Fields), strings.ToLower(s.AuthHeaderName), s.Status}
}

func newDocumentEntry(s tripletex.Subscription) *DocumentEntry {
	e := &DocumentEntry{Target: targeturl.Bare(s.TargetURL), Fields: compact(s.Fields), sample: s}
	if s.Status != tripletex.Active {
		e.Status = tripletex.Disabled
	}
	if s.AuthHeaderName != "" {
		e.AuthHeader = &DocumentAuthHeader{s.AuthHeaderName}
	}
	return e
}

// fold sorts events, and replaces all events of an object by a pattern if there are several and none is missing.
func fold(events []string, known []tripletex.Event) []string {
	present := map[string]bool{}
	for _, event := range events {
		present[strings.ToLower(event)] = true
	}
	slices.Sort(events)
	var folded []string
	for _, event := range events {
		object, _, _ := strings.Cut(strings.ToLower(event), ".")
		all, _ := match.Events([]string{object + ".*"}, known)
		whole := len(all) > 1
		for _, name := range all {
			whole = whole && present[strings.ToLower(name)]
		}
		if whole && slices.ContainsFunc(all, func(name string) bool { return strings.EqualFold(name, event) }) {
			event = object + ".*"
		}
		if !slices.Contains(folded, event) {
			folded = append(folded, event)
		}
	}
	return folded
}
