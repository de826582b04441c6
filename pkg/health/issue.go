package health

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Issue is one problem of a report. Its texts come from the service and are untrusted.
type Issue struct {
	State State
	ID    string `json:"id" table:"ID"` // empty if the subscription does not exist
	Event string `json:"event" table:"EVENT"`
	// Status is the status of the subscription, or one of the pseudo statuses below.
	Status     string `json:"status" table:"STATUS"`
	LastChange string `json:"lastChange" table:"SINCE"`
	TargetHost string `json:"targetHost" table:"TARGET HOST,shrinks"`
	// Company is the label of the company; empty in a report on one company.
	Company string `json:"companyName"`
	// Cause is the reason for an unreachable company.
	Cause string
}

// The pseudo statuses.
const (
	statusMissing     = "MISSING"
	statusDiffers     = "DIFFERS"
	statusUnreachable = "UNREACHABLE" // of a whole company
	statusNone        = "no status"
)

// Issues returns all issues, worst first, otherwise in the order of the service.
func (r *Report) Issues() []Issue {
	var all []Issue
	for _, f := range r.Subscriptions {
		if f.State != OK {
			all = append(all, f.issue())
		}
	}
	for _, e := range r.Missing {
		all = append(all, e.issue(Critical, statusMissing))
	}
	for _, e := range r.Drifting {
		if !r.hasIssue(e) {
			all = append(all, e.issue(Warning, statusDiffers))
		}
	}
	for _, c := range r.Companies {
		if c.Problem != nil {
			all = append(all, Issue{State: c.State, Status: statusUnreachable, Company: c.Label(), Cause: c.Problem.Message})
		}
	}
	all = append(all, r.silent...)
	slices.SortStableFunc(all, func(a, b Issue) int { return b.State.severity() - a.State.severity() })
	return all
}

// hasIssue reports whether a drifting subscription is already an issue because of its status.
func (r *Report) hasIssue(e Entry) bool {
	return slices.ContainsFunc(r.Subscriptions, func(f Finding) bool {
		return f.ID == e.ID && f.State != OK && (e.Company == "" || f.CompanyID == e.CompanyID)
	})
}

// statusWords returns the display text of a status.
func statusWords(status tripletex.Status) string { return words(cmp.Or(string(status), statusNone)) }

// issue returns a finding as an issue, also if its state is OK.
func (f Finding) issue() Issue {
	status := cmp.Or(string(f.Status), statusNone)
	if f.DuplicateOf != 0 {
		status += ", duplicate of " + strconv.FormatInt(f.DuplicateOf, 10)
	}
	return Issue{
		State: f.State, ID: strconv.FormatInt(f.ID, 10), Event: f.Event, Status: status,
		TargetHost: f.TargetHost, LastChange: f.LastChange, Company: f.Where(),
	}
}

func (e Entry) issue(state State, status string) Issue {
	t := Issue{State: state, Event: e.Event, Status: status, TargetHost: e.TargetHost, Company: labelOf(e.CompanyID, e.Company)}
	if e.ID != 0 {
		t.ID = strconv.FormatInt(e.ID, 10)
	}
	return t
}

// labelOf returns the label of a company, or an empty string without a name.
func labelOf(id int64, company string) string {
	if company == "" {
		return ""
	}
	return fleet.Company{CompanyID: id, CompanyName: company}.Label()
}

// short returns ID, event, status and company in one line of plain text.
func (t Issue) short() string {
	if t.Status == statusUnreachable {
		return words(t.Company, "unreachable")
	}
	return words(t.ID, t.Event, t.Status) + t.place()
}

// place returns " in " and the company, or an empty string.
func (t Issue) place() string {
	if t.Company == "" {
		return ""
	}
	return " in " + words(t.Company)
}

// long returns short with the target host, or with the cause if the company is unreachable.
func (t Issue) long() string {
	if t.Status == statusUnreachable {
		return t.short() + ": " + cut(plain(t.Cause), nagiosFirstLine)
	}
	return words(t.ID, t.Event, t.Status, t.TargetHost) + t.place()
}

// longest is the number of bytes of a name that are shown: the service allows events of 255 characters.
const longest = 80

// words joins the shortened, escaped parts that are not empty.
func words(all ...string) string {
	var kept []string
	for _, word := range all {
		if word != "" {
			kept = append(kept, cut(plain(word), longest))
		}
	}
	return strings.Join(kept, " ")
}

// plain escapes untrusted text for the one-line formats of monitors: control characters, which could end the line, and
// "|", which starts performance data.
func plain(text string) string { return strings.ReplaceAll(terminal.Safe(text), "|", `\u{7c}`) }

// cut shortens text to at most limit bytes and marks the omission with "...".
func cut(text string, limit int) string {
	const mark = "..."
	if len(text) <= limit {
		return text
	}
	end := max(0, limit-len(mark))
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + mark
}

// listed joins as many items as fit into limit bytes and appends the number of omitted items.
func listed(items []string, limit int) string {
	var text strings.Builder
	for i, item := range items {
		separator := ""
		if i > 0 {
			separator = ", "
		}
		rest := ", and " + strconv.Itoa(len(items)-i-1) + " more"
		if i == len(items)-1 {
			rest = ""
		}
		if text.Len()+len(separator)+len(item)+len(rest) > limit {
			if i > 0 {
				return text.String() + ", and " + strconv.Itoa(len(items)-i) + " more"
			}
			return ""
		}
		text.WriteString(separator + item)
	}
	return text.String()
}
