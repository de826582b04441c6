package cli

import (
	"slices"

	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// maybeOfCompany is the company of a result; empty in a run over one company.
type maybeOfCompany struct {
	Profile     string `json:"profile,omitempty"`
	CompanyID   int64  `json:"companyId,omitempty"`
	CompanyName string `json:"companyName,omitempty"`
}

// companySubscription is a subscription with its company.
type companySubscription struct {
	fleet.Company
	tripletex.Subscription
}

// companyResult is the result of a change with its company.
type companyResult struct {
	fleet.Company
	manifest.Result
}

// changeIn is a planned change with its company.
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

// inCompany adds the company to a table: its name as the first column, ID and profile as the last ones, as names are not
// unique.
func inCompany[R, T any](one output.Table[T], part func(*R) *T) output.Table[R] {
	table := output.Part(one, part)
	company := output.Columns([]output.Column[R]{
		{Name: "companyName", Title: "COMPANY", Shrinks: true}, {Name: "companyId", Detail: true}, {Name: "profile", Detail: true},
	})
	table.Columns = slices.Concat(company[:1], table.Columns, company[1:])
	return table
}
