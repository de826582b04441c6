package backfill_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tlxhook/tlxhook/pkg/backfill"
	"github.com/tlxhook/tlxhook/pkg/fleet"
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
		acme := fleet.Company{Profile: "acme", CompanyID: 7}
		want := []backfill.Gap{{Company: acme, SubscriptionID: 7, Event: "order.create", Since: test.since, Until: now}}
		if diff := cmp.Diff(want, backfill.Gaps(acme, []tripletex.Subscription{s, {ID: 8}}, []tripletex.Subscription{{ID: 7}}, now)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestOneCommandForEachLoginRecoversAllGaps(t *testing.T) {
	t.Parallel()
	early := time.Date(2026, 11, 20, 4, 12, 0, 5, time.UTC)
	late := early.AddDate(0, 0, 1)
	in := func(profile string, company int64, event string, since time.Time) backfill.Gap {
		return backfill.Gap{Event: event, Since: since, Company: fleet.Company{Profile: profile, CompanyID: company}}
	}
	for name, test := range map[string]struct {
		gaps []backfill.Gap
		want []backfill.Recovery
	}{
		"an event without objects": {[]backfill.Gap{in("a", 0, "notification.sent", early)}, nil},
		"--since has no effect for orders": {
			[]backfill.Gap{in("a", 0, "order.create", late), in("a", 0, "customer.update", early), in("a", 0, "Order.update", late)},
			[]backfill.Recovery{{Profile: "a", Arguments: "customer order"}},
		},
		"since the earliest": {
			[]backfill.Gap{in("a", 0, "supplier.create", late), in("a", 0, "customer.update", early)},
			[]backfill.Recovery{{Profile: "a", Arguments: "customer supplier --since 2026-11-20T04:12:00Z"}},
		},
		"an unknown time": {
			[]backfill.Gap{in("a", 0, "customer.create", time.Time{}), in("a", 0, "customer.update", early)},
			[]backfill.Recovery{{Profile: "a", Arguments: "customer"}},
		},
		"deleted objects": {
			[]backfill.Gap{in("a", 0, "customer.delete", early)}, []backfill.Recovery{{Profile: "a", Arguments: "customer --deletes"}},
		},
		"one client company": {
			[]backfill.Gap{in("a", 7, "order.create", early)}, []backfill.Recovery{{Profile: "a", Company: 7, Arguments: "order"}},
		},
		"several companies and logins": {
			[]backfill.Gap{in("a", 7, "order.create", early), in("b", 8, "product.create", early), in("a", 9, "invoice.charged", late)},
			[]backfill.Recovery{
				{Profile: "a", Company: 7, Several: true, Arguments: "invoice order"}, {Profile: "b", Company: 8, Arguments: "product"},
			},
		},
	} {
		got := backfill.Recoveries(test.gaps)
		if diff := cmp.Diff(test.want, got, cmpopts.IgnoreUnexported(backfill.Recovery{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
