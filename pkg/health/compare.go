package health

import (
	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Compare compares existing subscriptions with a manifest. Secrets are neither needed nor compared.
func Compare(want *manifest.Want, have []tripletex.Subscription) *Comparison {
	deviations, extra := manifest.Deviations(want, have)
	c := &Comparison{Extra: extra, Off: manifest.Off(want, have)}
	for _, d := range deviations {
		entry := Entry{ID: d.ID, Event: d.Event, TargetHost: d.TargetHost}
		if d.Missing {
			c.Missing = append(c.Missing, entry)
		} else {
			c.Drifting = append(c.Drifting, entry)
		}
	}
	return c
}
