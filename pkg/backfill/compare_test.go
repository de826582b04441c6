package backfill

import (
	"slices"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func TestMissingObjectsAreFound(t *testing.T) {
	t.Parallel()
	listed := []tripletex.Object{
		{ID: 1, Version: 3},
		{ID: 2, Version: 3},
		{ID: 4, Version: 0},
		{ID: 5, Version: 2},
		{ID: 7, Version: 0},
		{ID: 9, Version: 1},
	}
	delivered := []journal.Object{
		{ID: 0, Version: 9},
		{ID: 1, Version: 3},
		{ID: 2, Version: 2},
		{ID: 3, Version: 1},
		{ID: 5, Version: 1, Gone: true}, // by a deletion that came after the list
		{ID: 7, Version: -1},            // by a subscription without the version
	}
	want := []difference{{listed[1], newer}, {listed[2], missing}, {listed[4], newer}, {listed[5], missing}}
	if got := compare(listed, delivered); !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
	if got := matched(listed, delivered, 1); got != 3 {
		t.Errorf("%d are known", got)
	}
	if got := compare(nil, delivered); got != nil {
		t.Errorf("%+v", got)
	}
}

// A plan tells only what somebody asked for.
func TestPlanCoversSubscribedEvents(t *testing.T) {
	t.Parallel()
	all := []tripletex.Subscription{
		{ID: 1, Event: "customer.update", Status: tripletex.Disabled},
		{ID: 2, Event: "Customer.Update", Status: tripletex.Active, Fields: "id"},
		{ID: 3, Event: "customer.update", Status: tripletex.Active},
		{ID: 4, Event: "notification.sent", Status: tripletex.Active},
		{ID: 5, Event: "invoice.charged", Status: tripletex.Active},
	}
	plans := Plans(all)
	if len(plans) != 2 {
		t.Fatalf("len(plans) = %v, want 2", len(plans))
	}
	if plans[0].Kind.Name != "customer" {
		t.Fatalf("plans[0].Kind.Name = %q, want %q", plans[0].Kind.Name, "customer")
	}
	if plans[1].Kind.Name != "invoice" {
		t.Fatalf("plans[1].Kind.Name = %q, want %q", plans[1].Kind.Name, "invoice")
	}
	customer, invoice := plans[0], plans[1]
	switch got := customer.attribution(missing); {
	case *got != (Attribution{"Customer.Update", 2, "id"}):
		t.Errorf("*got = %v, want %v", *got, (Attribution{"Customer.Update", 2, "id"}))
	case customer.attribution(newer) != got:
		t.Errorf("%+v", customer)
	case customer.Delete != nil:
		t.Errorf("customer.Delete = %v, want nil", customer.Delete)
	case customer.full():
		t.Errorf("%+v", customer)
	}
	switch got := invoice.attribution(missing); {
	case got.SubscriptionID != 5:
		t.Errorf("got.SubscriptionID = %v, want 5", got.SubscriptionID)
	case invoice.attribution(newer) != nil:
		t.Errorf("%+v", invoice)
	case !invoice.full():
		t.Errorf("%+v", invoice)
	case !invoice.complete():
		t.Errorf("%+v", invoice)
	}
	named := NewPlan(customer.Kind, nil, false)
	named.SetFields("name")
	if *named.Delete != (Attribution{"customer.delete", 0, "name"}) {
		t.Errorf("*named.Delete = %v, want %v", *named.Delete, (Attribution{"customer.delete", 0, "name"}))
	}
	if !named.full() {
		t.Errorf("%+v", named)
	}
	if named.List.ChangedSince = named.List.To; named.complete() {
		t.Error("a list of what has changed is not complete")
	}
	if invoice.List.From = invoice.List.From.AddDate(1, 0, 0); invoice.complete() {
		t.Error("a list of some dates is not complete")
	}
}
