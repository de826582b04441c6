package cli

import (
	"context"
	"slices"

	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// subscriptionRows are subscriptions to print: of one company, or of many with the company of each.
type subscriptionRows struct {
	app    *App
	many   bool
	all    []companySubscription
	broken int
}

// add takes what was found or changed in a company. Formats without a header are printed at once, so that a reader
// need not wait for the last company.
func (r *subscriptionRows) add(ctx context.Context, m fleet.Account, found []tripletex.Subscription) error {
	r.broken += countBroken(found)
	first, company := len(r.all), m.Named()
	r.all = slices.Grow(r.all, len(found)) // a company may have tens of thousands
	for _, s := range r.app.shown(found) {
		r.all = append(r.all, companySubscription{company, s})
	}
	if !r.many || !r.app.printer.IsStream() {
		return nil
	}
	return output.List(context.WithoutCancel(ctx), r.app.printer, companySubscriptionTable(), r.all[first:])
}

// print prints what is not printed yet. A run that was stopped prints what it has.
func (r *subscriptionRows) print(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	if !r.many {
		return output.List(ctx, r.app.printer, subscriptionTable(), r.subscriptions())
	}
	if r.app.printer.IsStream() {
		return nil
	}
	if r.app.printer.IsTable() {
		r.tellTwinsApart()
	}
	return output.List(ctx, r.app.printer, companySubscriptionTable(), r.all)
}

// tellTwinsApart adds the id to the names that several companies share: a person sees no other.
func (r *subscriptionRows) tellTwinsApart() {
	first, twins := map[string]fleet.Company{}, map[string]bool{}
	for _, s := range r.all {
		if one, seen := first[s.CompanyName]; seen && one != s.Company {
			twins[s.CompanyName] = true
		}
		first[s.CompanyName] = s.Company
	}
	for i := range r.all {
		if s := &r.all[i]; twins[s.CompanyName] {
			s.CompanyName = s.Label()
		}
	}
}

func (r *subscriptionRows) subscriptions() []tripletex.Subscription {
	all := make([]tripletex.Subscription, len(r.all))
	for i, s := range r.all {
		all[i] = s.Subscription
	}
	return all
}
