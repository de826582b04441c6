package cli

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/bulk"
	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// This file says how each type of result is printed: one table a type.

func subscriptionTable() output.Table[tripletex.Subscription] {
	type s = tripletex.Subscription
	return output.TableOf([]output.Column[s]{
		{Name: "id"},
		{Name: "event"},
		{Name: "status", Style: func(v s) terminal.Style { return statusStyle(v.Status) }},
		{Name: "targetUrl", Title: "TARGET", Shrinks: true},
		{Name: "version", Detail: true},
		{Name: "fields", Detail: true},
		{Name: "authHeaderName", Title: "AUTH HEADER", Detail: true},
		{Name: "lastChange", Text: lastChange, Detail: true},
	})
}

// lastChange returns when a subscription was last changed, where the service was asked.
func lastChange(s tripletex.Subscription) string {
	if len(s.Changes) == 0 {
		return ""
	}
	return s.Changes[len(s.Changes)-1].Timestamp
}

func statusStyle(s tripletex.Status) terminal.Style { return health.Rules{}.StateOf(s).Style() }

// transitionTable has the columns of watch where it is not read by a person.
func transitionTable() output.Table[health.Transition] {
	return output.TableOf([]output.Column[health.Transition]{
		{Name: "time"},
		{Name: "kind"},
		{Name: "id"},
		{Name: "event"},
		{Name: "oldStatus", Title: "OLD"},
		{Name: "newStatus", Title: "NEW"},
		{Name: "companyId", Title: "COMPANY"},
		{Name: "state"},
		{Name: "targetHost"},
	})
}

func eventTable() output.Table[tripletex.Event] {
	return output.TableOf([]output.Column[tripletex.Event]{
		{Name: "name", Title: "EVENT"}, {Name: "description", Shrinks: true}, {Name: "payloadModel", Title: "PAYLOAD"},
	})
}

func eventInfoTable() output.Table[tripletex.EventInfo] {
	return output.Part(eventTable(), func(v *tripletex.EventInfo) *tripletex.Event { return &v.Event })
}

func companyTable() output.Table[tripletex.Company] {
	return output.TableOf([]output.Column[tripletex.Company]{
		{Name: "id"},
		{Name: "name", Shrinks: true},
		{Name: "organizationNumber", Title: "ORGANIZATION"},
		{Name: "startDate", Title: "START", Detail: true},
		{Name: "endDate", Title: "END", Detail: true},
		{Name: "type", Detail: true},
	})
}

// plannedRequest is a request that --dry-run prints instead of sending.
type plannedRequest struct {
	maybeOfCompany
	bulk.Request
}

// requestTable has the company of each request where there are many.
func requestTable(many bool) output.Table[plannedRequest] {
	table := output.TableOf[plannedRequest](nil)
	table.ID = func(v plannedRequest) string { return v.Method + " " + v.Path }
	if many {
		return inCompany(table, func(v *plannedRequest) *plannedRequest { return v })
	}
	return table
}

func resultTable() output.Table[manifest.Result] {
	return output.TableOf([]output.Column[manifest.Result]{
		{Name: "action"},
		{Name: "outcome", Style: outcomeStyle},
		{Name: "id", OmitZero: true},
		{Name: "event"},
		{Name: "targetUrl", Title: "TARGET", Shrinks: true},
	})
}

func outcomeStyle(r manifest.Result) terminal.Style {
	switch r.Outcome {
	case manifest.Done:
		return terminal.Good
	case manifest.Failed:
		return terminal.Bad
	default:
		return terminal.Warning
	}
}

func changeTable() output.Table[manifest.Change] {
	return output.TableOf([]output.Column[manifest.Change]{
		{Name: "action"}, {Name: "id", OmitZero: true}, {Name: "event"}, {Name: "targetUrl", Title: "TARGET"}, {Name: "fields", Text: changedFields},
	})
}

// changedFields names what a change is about.
func changedFields(c manifest.Change) string {
	var fields []string
	for _, r := range c.Reasons {
		if r.Field != "" {
			fields = append(fields, r.Field)
		}
	}
	return strings.Join(fields, ",")
}

// indented returns JSON for reading.
func indented(raw json.RawMessage) string {
	var text bytes.Buffer
	if err := json.Indent(&text, raw, "", "  "); err != nil {
		return ""
	}
	return terminal.SafeLines(text.String())
}
