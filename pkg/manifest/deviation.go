package manifest

import (
	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/targeturl"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Deviation is a subscription of a manifest that is missing or differs.
type Deviation struct {
	ID         int64 // 0 if the subscription is missing
	Event      string
	TargetHost string
	Missing    bool
}

// Deviations returns missing and differing subscriptions in the order of the manifest, and the number of subscriptions
// that the manifest owns but does not declare. Secrets are neither needed nor compared.
func Deviations(want *Want, have []tripletex.Subscription) (all []Deviation, extra int) {
	for _, c := range Diff(want, have, Policy{SendSecrets: SendNever, Prune: true}).Changes {
		if c.Action == Delete {
			extra++
			continue
		}
		all = append(all, Deviation{
			ID: c.ID, Event: c.Event, TargetHost: targeturl.Host(c.wanted.Target), Missing: c.Action == Create,
		})
	}
	return all, extra
}

// Off returns the IDs of subscriptions that the manifest declares as disabled, in the order of the service.
func Off(want *Want, have []tripletex.Subscription) (ids []int64) {
	off := map[string]bool{}
	for _, w := range want.Subscriptions {
		off[w.identity()] = w.Status != tripletex.Active
	}
	for _, s := range have {
		if off[match.Identity(s.Event, s.TargetURL)] {
			ids = append(ids, s.ID)
		}
	}
	return ids
}
