package health_test

import (
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func TestEventsAreLostSinceDeliveriesBeganToFail(t *testing.T) {
	t.Parallel()
	off := time.Date(2026, 11, 20, 4, 12, 0, 0, time.UTC)
	changed := []tripletex.Change{{Timestamp: "2026-01-01T00:00:00Z"}, {Timestamp: off.Format(time.RFC3339)}}
	for name, test := range map[string]struct {
		status  tripletex.Status
		changes []tripletex.Change
		since   time.Time
	}{
		"too many errors":         {tripletex.DisabledTooManyErrors, changed, off.AddDate(0, 0, -7)},
		"misuse":                  {tripletex.DisabledMisuse, changed, off},
		"by somebody":             {tripletex.Disabled, changed, off},
		"it is active":            {tripletex.Active, changed, time.Time{}},
		"nothing is told":         {tripletex.Disabled, nil, time.Time{}},
		"what is told is no time": {tripletex.Disabled, []tripletex.Change{{Timestamp: "yesterday"}}, time.Time{}},
	} {
		since, known := health.LostSince(tripletex.Subscription{Status: test.status, Changes: test.changes})
		if !since.Equal(test.since) || known == since.IsZero() {
			t.Errorf("%s: %v, %v", name, since, known)
		}
	}
}
