package manifest

import (
	"github.com/tlxhook/tlxhook/pkg/targeturl"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Deviation is a subscription that a manifest wants and Tripletex does not have as it should be.
type Deviation struct {
	// ID is the one of the subscription that differs, or 0 where it is missing.
	ID    int64  `json:"id"`
	Event string `json:"event"`
	// TargetURL has no credentials.
	TargetURL  string   `json:"targetUrl"`
	TargetHost string   `json:"targetHost"`
	Missing    bool     `json:"missing"`
	Reasons    []Reason `json:"reasons"`
}

// Deviations returns what is missing and what differs in what can be seen, in the order of the manifest, and how many
// there are that the manifest owns and does not want. No secret is needed for it, and none is judged.
func Deviations(want *Want, have []tripletex.Subscription) (all []Deviation, extra int) {
	for _, c := range Diff(want, have, Policy{SendSecrets: SendNever, Prune: true}).Changes {
		if c.Action == Delete {
			extra++
			continue
		}
		all = append(all, Deviation{
			ID: c.ID, Event: c.Event, TargetURL: c.wanted.Target, TargetHost: targeturl.Host(c.wanted.Target),
			Missing: c.Action == Create, Reasons: c.Reasons,
		})
	}
	return all, extra
}

// Off returns the ids of what a manifest itself wants switched off, in the order of the service.
func Off(want *Want, have []tripletex.Subscription) (ids []int64) {
	off := map[string]bool{}
	for _, w := range want.Subscriptions {
		off[w.identity()] = w.Status != tripletex.Active
	}
	for _, s := range have {
		if off[identity(s.Event, s.TargetURL)] {
			ids = append(ids, s.ID)
		}
	}
	return ids
}
