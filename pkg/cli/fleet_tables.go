package cli

import (
	"slices"

	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// maybeOfCompany is the company of a result that names its company only in a run over many.
type maybeOfCompany struct {
	Profile     string `json:"profile,omitempty"`
	CompanyID   int64  `json:"companyId,omitempty"`
	CompanyName string `json:"companyName,omitempty"`
}

// companySubscription is a subscription of one of many companies.
type companySubscription struct {
	fleet.Company
	tripletex.Subscription
}

// companyResult is a change and what became of it in one of many companies.
type companyResult struct {
	fleet.Company
	manifest.Result
}

// changeIn is a change of one of many companies.
type changeIn struct {
	fleet.Company
	manifest.Change
}

func companySubscriptionTable() output.Table[companySubscription] {
	return inCompany(subscriptionTable(), func(v *companySubscription) *tripletex.Subscription { return &v.Subscription })
}

func companyResultTable() output.Table[companyResult] {
	return inCompany(resultTable(), func(v *companyResult) *manifest.Result { return &v.Result })
}

func companyChangeTable() output.Table[changeIn] {
	return inCompany(changeTable(), func(v *changeIn) *manifest.Change { return &v.Change })
}

// inCompany returns the table of a thing for that thing in many companies: the name comes first, and last what tells two
// companies of one name apart.
func inCompany[R, T any](one output.Table[T], part func(*R) *T) output.Table[R] {
	table := output.Part(one, part)
	company := output.Columns([]output.Column[R]{
		{Name: "companyName", Title: "COMPANY", Shrinks: true}, {Name: "companyId", Detail: true}, {Name: "profile", Detail: true},
	})
	table.Columns = slices.Concat(company[:1], table.Columns, company[1:])
	return table
}
