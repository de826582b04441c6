package backfill

import (
	"slices"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func TestWhatLacksIsFound(t *testing.T) {
	t.Parallel()
	listed := []tripletex.Object{{ID: 1, Version: 3}, {ID: 2, Version: 3}, {ID: 4, Version: 0}, {ID: 5, Version: 2}, {ID: 7, Version: 0}, {ID: 9, Version: 1}}
	brought := []journal.Object{
		{ID: 0, Version: 9},
		{ID: 1, Version: 3},
		{ID: 2, Version: 2},
		{ID: 3, Version: 1},
		{ID: 5, Version: 1, Gone: true}, // by a deletion that came after the list
		{ID: 7, Version: -1},            // by a subscription without the version
	}
	want := []difference{{listed[1], newer}, {listed[2], missing}, {listed[4], newer}, {listed[5], missing}}
	if got := compare(listed, brought); !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
	if got := matched(listed, brought, 1); got != 3 {
		t.Errorf("%d are known", got)
	}
	if got := compare(nil, brought); got != nil {
		t.Errorf("%+v", got)
	}
}

// A plan tells only what somebody asked for.
func TestAPlanIsForWhatIsSubscribedTo(t *testing.T) {
	t.Parallel()
	all := []tripletex.Subscription{
		{ID: 1, Event: "customer.update", Status: tripletex.Disabled},
		{ID: 2, Event: "Customer.Update", Status: tripletex.Active, Fields: "id"},
		{ID: 3, Event: "customer.update", Status: tripletex.Active},
		{ID: 4, Event: "notification.sent", Status: tripletex.Active},
		{ID: 5, Event: "invoice.charged", Status: tripletex.Active},
	}
	plans := Plans(all)
	if len(plans) != 2 || plans[0].Kind.Name != "customer" || plans[1].Kind.Name != "invoice" {
		t.Fatalf("%+v", plans)
	}
	customer, invoice := plans[0], plans[1]
	if got := customer.stand(missing); *got != (Stand{"Customer.Update", 2, "id"}) || customer.stand(newer) != got || customer.Delete != nil || customer.full() {
		t.Errorf("%+v", customer)
	}
	if got := invoice.stand(missing); got.SubscriptionID != 5 || invoice.stand(newer) != nil || !invoice.full() || !invoice.complete() {
		t.Errorf("%+v", invoice)
	}
	named := NewPlan(customer.Kind, nil, false)
	named.SetFields("name")
	if *named.Delete != (Stand{"customer.delete", 0, "name"}) || !named.full() {
		t.Errorf("%+v", named)
	}
	if named.List.ChangedSince = named.List.To; named.complete() {
		t.Error("a list of what has changed is not complete")
	}
	if invoice.List.From = invoice.List.From.AddDate(1, 0, 0); invoice.complete() {
		t.Error("a list of some dates is not complete")
	}
}
