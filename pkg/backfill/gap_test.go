package backfill_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/backfill"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func TestAGapBeginsWhenDeliveriesBeganToFail(t *testing.T) {
	t.Parallel()
	off := time.Date(2026, 11, 20, 4, 12, 0, 0, time.UTC)
	now := off.AddDate(0, 0, 3)
	changed := []tripletex.Change{{Timestamp: "2026-01-01T00:00:00Z"}, {Timestamp: off.Format(time.RFC3339)}}
	for name, test := range map[string]struct {
		status  tripletex.Status
		changes []tripletex.Change
		since   time.Time
	}{
		"too many errors":         {tripletex.DisabledTooManyErrors, changed, off.AddDate(0, 0, -7)},
		"misuse":                  {tripletex.DisabledMisuse, changed, off},
		"disabled manually":       {tripletex.Disabled, changed, off},
		"active":                  {tripletex.Active, changed, time.Time{}},
		"no changes":              {tripletex.Disabled, nil, time.Time{}},
		"a change without a time": {tripletex.Disabled, []tripletex.Change{{Timestamp: "yesterday"}}, time.Time{}},
	} {
		s := tripletex.Subscription{ID: 7, Event: "order.create", Status: test.status, Changes: test.changes}
		want := []backfill.Gap{{SubscriptionID: 7, Event: "order.create", Since: test.since, Until: now}}
		if diff := cmp.Diff(want, backfill.Gaps([]tripletex.Subscription{s, {ID: 8}}, []tripletex.Subscription{{ID: 7}}, now)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestRecoveryNamesTheKindsAndTheEarliestTime(t *testing.T) {
	t.Parallel()
	early := time.Date(2026, 11, 20, 4, 12, 0, 5, time.UTC)
	late := early.AddDate(0, 0, 1)
	for want, gaps := range map[string][]backfill.Gap{
		"": {{Event: "notification.sent", Since: early}},
		"customer order --since 2026-11-20T04:12:00Z": {
			{Event: "order.create", Since: late}, {Event: "customer.update", Since: early}, {Event: "Order.update", Since: late},
		},
		"order --deletes":    {{Event: "order.delete", Since: early}},
		"customer --deletes": {{Event: "customer.create"}, {Event: "customer.update", Since: early}},
	} {
		if got := backfill.RecoveryArguments(gaps); got != want {
			t.Errorf("%v: %q, want %q", gaps, got, want)
		}
	}
}
