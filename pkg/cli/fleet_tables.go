package cli

import (
	"strconv"

	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// ofCompany names the company of a result.
type ofCompany struct {
	Profile     string `json:"profile,omitempty"`
	CompanyID   int64  `json:"companyId"` // 0 for the company of the login
	CompanyName string `json:"companyName"`
}

// maybeOfCompany is ofCompany for a result that names its company only in a run over many.
type maybeOfCompany struct {
	Profile     string `json:"profile,omitempty"`
	CompanyID   int64  `json:"companyId,omitempty"`
	CompanyName string `json:"companyName,omitempty"`
}

func of(m fleet.Member) ofCompany { return ofCompany{m.Profile, m.CompanyID, m.Name()} }

// label names the company in one line, with its id.
func (c ofCompany) label() string {
	return health.Company{Profile: c.Profile, CompanyID: c.CompanyID, Company: c.CompanyName}.Label()
}

// companySubscription is a subscription of one of many companies.
type companySubscription struct {
	ofCompany
	tripletex.Subscription
}

// companyResult is a change and what became of it in one of many companies.
type companyResult struct {
	ofCompany
	manifest.Result
}

// changeIn is a change of one of many companies.
type changeIn struct {
	ofCompany
	manifest.Change
}

func companySubscriptionTable() output.Table[companySubscription] {
	return companiesTable(subscriptionTable(), func(v companySubscription) (ofCompany, tripletex.Subscription) { return v.ofCompany, v.Subscription })
}

func companyResultTable() output.Table[companyResult] {
	return companiesTable(resultTable(), func(v companyResult) (ofCompany, manifest.Result) { return v.ofCompany, v.Result })
}

func companyChangeTable() output.Table[changeIn] {
	return companiesTable(changeTable(), func(v changeIn) (ofCompany, manifest.Change) { return v.ofCompany, v.Change })
}

// companiesTable makes the table of a thing one of that thing in many companies: the name first, and last what tells
// two of one name apart.
func companiesTable[R, T any](one output.Table[T], parts func(R) (ofCompany, T)) output.Table[R] {
	whose := func(text func(ofCompany) string) func(R) string {
		return func(v R) string { c, _ := parts(v); return text(c) }
	}
	table := output.Table[R]{
		ID: func(v R) string { _, t := parts(v); return one.ID(t) },
		Columns: []output.Column[R]{
			{Name: "companyName", Title: "COMPANY", Text: whose(func(c ofCompany) string { return c.CompanyName }), Shrinks: true},
		},
	}
	for _, c := range one.Columns {
		column := output.Column[R]{
			Name: c.Name, Title: c.Title, Detail: c.Detail, Shrinks: c.Shrinks, Text: func(v R) string { _, t := parts(v); return c.Text(t) },
		}
		if c.Style != nil {
			column.Style = func(v R) terminal.Style { _, t := parts(v); return c.Style(t) }
		}
		table.Columns = append(table.Columns, column)
	}
	table.Columns = append(table.Columns,
		output.Column[R]{Name: "companyId", Title: "COMPANY ID", Text: whose(func(c ofCompany) string { return strconv.FormatInt(c.CompanyID, 10) }), Detail: true},
		output.Column[R]{Name: "profile", Title: "PROFILE", Text: whose(func(c ofCompany) string { return c.Profile }), Detail: true})
	return table
}
