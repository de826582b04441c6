package manifest

import (
	"fmt"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/targeturl"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Want is an expanded manifest: the declared subscriptions, each identity once. It contains references to secrets, but no
// secrets, so it may be stored.
type Want struct {
	// Owns are the URLs below which subscriptions may be pruned.
	Owns          []string `json:"owns"`
	Subscriptions []Wanted `json:"subscriptions"`
}

// Wanted is one declared subscription.
type Wanted struct {
	Event string `json:"event"`
	// Target has no userinfo, query or fragment. With the event, without case, it is the identity of a subscription.
	Target   string           `json:"target"`
	Userinfo Reference        `json:"userinfo,omitzero"`
	Query    Reference        `json:"query,omitzero"`
	Fields   string           `json:"fields,omitempty"`
	Status   tripletex.Status `json:"status"`
	// AuthHeader is the name of the header; empty if it is not managed.
	AuthHeader string    `json:"authHeader,omitempty"`
	AuthValue  Reference `json:"authValue,omitzero"`
	HMAC       Reference `json:"hmac,omitzero"`
	// At is the position of the event.
	At Position `json:"at"`
}

// References returns every reference to a secret, in the order of the manifest.
func (w *Want) References() []Reference {
	var all []Reference
	for _, s := range w.Subscriptions {
		all = append(all, s.references()...)
	}
	return all
}

func (w Wanted) references() []Reference {
	return []Reference{w.Userinfo, w.Query, w.AuthValue, w.HMAC}
}

// References returns every reference to a secret, in the order of the files.
func (m *Manifest) References() []Reference {
	var all []Reference
	for _, e := range m.all() {
		all = append(all, e.wanted("").references()...)
	}
	return all
}

// HasPatterns reports whether [Manifest.Expand] needs the list of events.
func (m *Manifest) HasPatterns() bool {
	for _, e := range m.all() {
		if match.IsPattern(e.event.value) {
			return true
		}
	}
	return false
}

// Expand replaces patterns by the matching events. Known are all events; nil is allowed without patterns. A pattern
// without a match and two entries of one identity are an [*Error].
func (m *Manifest) Expand(known []tripletex.Event) (*Want, error) {
	want, wrong := &Want{Owns: m.Owns}, []Problem{}
	seen := map[string]entry{}
	for _, e := range m.entries {
		events := []string{e.event.value}
		if match.IsPattern(e.event.value) {
			if events, _ = match.Events(events, known); len(events) == 0 {
				wrong = append(wrong, Problem{e.event.at, fmt.Sprintf("no event matches %q%s", e.event.value, nearest(e.event.value, known))})
			}
		}
		for _, event := range events {
			w := e.wanted(event)
			first, twice := seen[w.identity()]
			switch {
			case !twice:
				seen[w.identity()] = e
				want.Subscriptions = append(want.Subscriptions, w)
			case first.number != e.number: // patterns of one entry may overlap
				wrong = append(wrong, Problem{e.event.at, fmt.Sprintf("%s to %s is declared twice; first at %s", event, w.Target, first.event.at)})
			}
		}
	}
	return want, failure(wrong)
}

// nearest suggests events that are similar to an unknown one.
func nearest(event string, known []tripletex.Event) string {
	near := match.NearestEvents(event, known)
	if len(near) == 0 {
		return "; list events with tlxhook event list"
	}
	return "; did you mean " + strings.Join(near, ", ") + "?"
}

// wanted returns the entry for one event.
func (e entry) wanted(event string) Wanted {
	w := Wanted{
		Event: event, Target: e.target, Userinfo: e.userinfo, Query: e.query, Fields: e.fields, Status: e.status,
		AuthHeader: e.authHeader, AuthValue: e.authValue, HMAC: e.hmac, At: e.event.at,
	}
	if w.Status == "" {
		w.Status = tripletex.Active
	}
	return w
}

// ownsTarget reports whether a target is below one of the URLs that the manifest owns.
func (w *Want) ownsTarget(target string) bool {
	for _, address := range w.Owns {
		if targeturl.Covers(address, target) {
			return true
		}
	}
	return false
}

func (w Wanted) identity() string { return match.Identity(w.Event, w.Target) }
