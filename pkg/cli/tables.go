package cli

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// This file says how each type of result is printed: one table a type.

func subscriptionTable() output.Table[tripletex.Subscription] {
	type s = tripletex.Subscription
	return output.Table[s]{
		ID: func(v s) string { return strconv.FormatInt(v.ID, 10) },
		Columns: []output.Column[s]{
			{Name: "id", Title: "ID", Text: func(v s) string { return strconv.FormatInt(v.ID, 10) }},
			{Name: "event", Title: "EVENT", Text: func(v s) string { return v.Event }},
			{Name: "status", Title: "STATUS", Text: func(v s) string { return string(v.Status) }, Style: func(v s) terminal.Style { return statusStyle(v.Status) }},
			{Name: "targetUrl", Title: "TARGET", Text: func(v s) string { return v.TargetURL }, Shrinks: true},
			{Name: "version", Title: "VERSION", Text: func(v s) string { return strconv.Itoa(v.Version) }, Detail: true},
			{Name: "fields", Title: "FIELDS", Text: func(v s) string { return v.Fields }, Detail: true},
			{Name: "authHeaderName", Title: "AUTH HEADER", Text: func(v s) string { return v.AuthHeaderName }, Detail: true},
			{Name: "lastChange", Title: "LAST CHANGE", Text: lastChange, Detail: true},
		},
	}
}

// lastChange returns when a subscription was last changed, where the service was asked.
func lastChange(s tripletex.Subscription) string {
	if len(s.Changes) == 0 {
		return ""
	}
	return s.Changes[len(s.Changes)-1].Timestamp
}

// issueTable has what is wrong; with the company of each where there are many.
func issueTable(many bool) output.Table[health.Issue] {
	type t = health.Issue
	table := output.Table[t]{
		ID: func(v t) string { return v.ID },
		Columns: []output.Column[t]{
			{Name: "id", Title: "ID", Text: func(v t) string { return v.ID }},
			{Name: "event", Title: "EVENT", Text: func(v t) string { return v.Event }},
			{Name: "status", Title: "STATUS", Text: func(v t) string { return v.Status }, Style: func(v t) terminal.Style { return v.State.Style() }},
			{Name: "lastChange", Title: "SINCE", Text: func(v t) string { return localTime(v.LastChange) }},
			{Name: "targetHost", Title: "TARGET HOST", Text: func(v t) string { return v.TargetHost }, Shrinks: true},
		},
	}
	if many {
		company := output.Column[t]{Name: "companyName", Title: "COMPANY", Text: func(v t) string { return v.Company }, Shrinks: true}
		table.Columns = append([]output.Column[t]{company}, table.Columns...)
	}
	return table
}

// localTime returns a time stamp of the service as a person here reads it, or as it is where that cannot be told.
func localTime(stamp string) string {
	at, err := time.Parse(time.RFC3339, stamp)
	if err != nil {
		return stamp
	}
	return at.Local().Format("2006-01-02 15:04")
}

func statusStyle(s tripletex.Status) terminal.Style { return health.Rules{}.StateOf(s).Style() }

// transitionTable has the columns of watch where it is not read by a person.
func transitionTable() output.Table[health.Transition] {
	type t = health.Transition
	return output.Table[t]{
		ID: func(v t) string { return strconv.FormatInt(v.ID, 10) },
		Columns: []output.Column[t]{
			{Name: "time", Title: "TIME", Text: func(v t) string { return v.Time.Format(time.RFC3339) }},
			{Name: "kind", Title: "KIND", Text: func(v t) string { return string(v.Kind) }},
			{Name: "id", Title: "ID", Text: func(v t) string { return strconv.FormatInt(v.ID, 10) }},
			{Name: "event", Title: "EVENT", Text: func(v t) string { return v.Event }},
			{Name: "oldStatus", Title: "OLD", Text: func(v t) string { return string(v.OldStatus) }},
			{Name: "newStatus", Title: "NEW", Text: func(v t) string { return string(v.NewStatus) }},
			{Name: "companyId", Title: "COMPANY", Text: func(v t) string { return strconv.FormatInt(v.CompanyID, 10) }},
			{Name: "state", Title: "STATE", Text: func(v t) string { return string(v.State) }},
			{Name: "targetHost", Title: "TARGET HOST", Text: func(v t) string { return v.TargetHost }},
		},
	}
}

func eventTable() output.Table[tripletex.Event] {
	type e = tripletex.Event
	return output.Table[e]{
		ID: func(v e) string { return v.Name },
		Columns: []output.Column[e]{
			{Name: "name", Title: "EVENT", Text: func(v e) string { return v.Name }},
			{Name: "description", Title: "DESCRIPTION", Text: func(v e) string { return v.Description }, Shrinks: true},
			{Name: "payloadModel", Title: "PAYLOAD", Text: func(v e) string { return v.PayloadModel }},
		},
	}
}

func eventInfoTable() output.Table[tripletex.EventInfo] {
	type e = tripletex.EventInfo
	table := output.Table[e]{ID: func(v e) string { return v.Name }}
	for _, column := range eventTable().Columns {
		table.Columns = append(table.Columns, output.Column[e]{
			Name: column.Name, Title: column.Title, Text: func(v e) string { return column.Text(v.Event) },
		})
	}
	return table
}

func companyTable() output.Table[tripletex.Company] {
	type c = tripletex.Company
	return output.Table[c]{
		ID: func(v c) string { return strconv.FormatInt(v.ID, 10) },
		Columns: []output.Column[c]{
			{Name: "id", Title: "ID", Text: func(v c) string { return strconv.FormatInt(v.ID, 10) }},
			{Name: "name", Title: "NAME", Text: func(v c) string { return v.Name }, Shrinks: true},
			{Name: "organizationNumber", Title: "ORGANIZATION", Text: func(v c) string { return v.OrganizationNumber }},
			{Name: "startDate", Title: "START", Text: func(v c) string { return v.StartDate }, Detail: true},
			{Name: "endDate", Title: "END", Text: func(v c) string { return v.EndDate }, Detail: true},
			{Name: "type", Title: "TYPE", Text: func(v c) string { return v.Type }, Detail: true},
		},
	}
}

// plannedRequest is a request that --dry-run prints instead of sending.
type plannedRequest struct {
	maybeOfCompany
	Method string `json:"method"`
	Path   string `json:"path"`
	Body   any    `json:"body,omitempty"`
}

// requestTable prints planned requests; with the company of each where there are many.
func requestTable(many bool) output.Table[plannedRequest] {
	type r = plannedRequest
	table := output.Table[r]{
		ID: func(v r) string { return v.Method + " " + v.Path },
		Columns: []output.Column[r]{
			{Name: "method", Title: "METHOD", Text: func(v r) string { return v.Method }},
			{Name: "path", Title: "PATH", Text: func(v r) string { return v.Path }},
			{Name: "body", Title: "BODY", Text: func(v r) string {
				raw, err := output.MarshalJSON(v.Body)
				if err != nil || v.Body == nil {
					return ""
				}
				return string(raw)
			}},
		},
	}
	if many {
		company := output.Column[r]{Name: "companyName", Title: "COMPANY", Text: func(v r) string { return v.CompanyName }}
		id := output.Column[r]{Name: "companyId", Title: "COMPANY ID", Text: func(v r) string { return strconv.FormatInt(v.CompanyID, 10) }, Detail: true}
		table.Columns = append([]output.Column[r]{company}, append(table.Columns, id)...)
	}
	return table
}

func resultTable() output.Table[manifest.Result] {
	type r = manifest.Result
	return output.Table[r]{
		ID: func(v r) string { return optionalID(v.ID) },
		Columns: []output.Column[r]{
			{Name: "action", Title: "ACTION", Text: func(v r) string { return string(v.Action) }},
			{Name: "outcome", Title: "OUTCOME", Text: func(v r) string { return string(v.Outcome) }, Style: outcomeStyle},
			{Name: "id", Title: "ID", Text: func(v r) string { return optionalID(v.ID) }},
			{Name: "event", Title: "EVENT", Text: func(v r) string { return v.Event }},
			{Name: "targetUrl", Title: "TARGET", Text: func(v r) string { return v.TargetURL }, Shrinks: true},
		},
	}
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

// optionalID returns an id, or nothing for what has none yet.
func optionalID(id int64) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatInt(id, 10)
}

func changeTable() output.Table[manifest.Change] {
	type c = manifest.Change
	return output.Table[c]{
		ID: func(v c) string { return optionalID(v.ID) },
		Columns: []output.Column[c]{
			{Name: "action", Title: "ACTION", Text: func(v c) string { return string(v.Action) }},
			{Name: "id", Title: "ID", Text: func(v c) string { return optionalID(v.ID) }},
			{Name: "event", Title: "EVENT", Text: func(v c) string { return v.Event }},
			{Name: "targetUrl", Title: "TARGET", Text: func(v c) string { return v.TargetURL }},
			{Name: "fields", Title: "FIELDS", Text: changedFields},
		},
	}
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
