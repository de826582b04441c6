package manifest

import (
	"fmt"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/targeturl"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Want is what a manifest says once its patterns stand for events: the subscriptions that there should be, each
// identity once. It holds references to secrets and never a secret, so it may be written down.
type Want struct {
	// Owns are addresses; only what lies below them may be pruned.
	Owns          []string `json:"owns"`
	Subscriptions []Wanted `json:"subscriptions"`
}

// Wanted is one subscription as it should be.
type Wanted struct {
	Event string `json:"event"`
	// Target has no userinfo, query or fragment. With the event, which is compared without case, it is the
	// identity of a subscription.
	Target   string           `json:"target"`
	Userinfo Reference        `json:"userinfo,omitzero"`
	Query    Reference        `json:"query,omitzero"`
	Fields   string           `json:"fields,omitempty"`
	Status   tripletex.Status `json:"status"`
	// AuthHeader is the name of the header; empty where the manifest does not say, and leaves it alone.
	AuthHeader string    `json:"authHeader,omitempty"`
	AuthValue  Reference `json:"authValue,omitzero"`
	HMAC       Reference `json:"hmac,omitzero"`
	// At is where the event stands.
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

// HasPatterns tells whether the list of events is needed to know what the manifest says.
func (m *Manifest) HasPatterns() bool {
	for _, e := range m.all() {
		if match.IsPattern(e.event.value) {
			return true
		}
	}
	return false
}

// Expand replaces patterns by the events they stand for. Known are all events; it may be nil where there is no
// pattern. A pattern that stands for nothing, and two entries of one identity, are an [*Error].
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
				wrong = append(wrong, Problem{e.event.at, fmt.Sprintf("%s to %s is wanted twice; the first is at %s", event, w.Target, first.event.at)})
			}
		}
	}
	return want, failure(wrong)
}

// nearest names the events that may have been meant by one that does not exist.
func nearest(event string, known []tripletex.Event) string {
	near := match.NearestEvents(event, known)
	if len(near) == 0 {
		return "; tlxhook event list shows what there is"
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

// ownsTarget reports whether a target lies below one of the addresses that the manifest owns.
func (w *Want) ownsTarget(target string) bool {
	for _, address := range w.Owns {
		if targeturl.Covers(address, target) {
			return true
		}
	}
	return false
}

func (w Wanted) identity() string { return identity(w.Event, w.Target) }

// identity returns what no two subscriptions may share: the event, ignoring case, and the target.
func identity(event, target string) string {
	return strings.ToLower(event) + " " + targeturl.Identity(target)
}
