package health

import (
	"time"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// failingBefore is for how long deliveries fail before Tripletex switches a subscription off for it.
// Poller: Tripletex, webhooks: "disabled after a week of failed deliveries".
const failingBefore = 7 * 24 * time.Hour

// LostSince returns since when events of a subscription that is not active may be lost, as far as its changes tell:
// since it was last changed, as that is when it was switched off or before, and where deliveries had failed, since
// they began to. It is unknown where the service told no changes.
func LostSince(s tripletex.Subscription) (since time.Time, known bool) {
	if s.Status == tripletex.Active || len(s.Changes) == 0 {
		return time.Time{}, false
	}
	last, err := time.Parse(time.RFC3339, s.Changes[len(s.Changes)-1].Timestamp)
	if err != nil {
		return time.Time{}, false
	}
	if s.Status == tripletex.DisabledTooManyErrors {
		last = last.Add(-failingBefore)
	}
	return last, true
}
