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

// Issue is one thing that is wrong, as every format names it. Its texts are foreign.
type Issue struct {
	State State
	ID    string // empty where there is none
	Event string
	// Status is what the service says, or that it lacks what a manifest or an id asks for, or has it otherwise.
	Status     string
	TargetHost string
	LastChange string
	// Company names the company, where there are several.
	Company string
	// Why says why a company could not be asked.
	Why string
}

// What stands in the place of a status.
const (
	statusMissing     = "MISSING"
	statusDiffers     = "DIFFERS"
	statusUnreachable = "NOT ASKED" // of a whole company
	statusNone        = "without status"
)

// Issues returns everything that is wrong, the worst first, else in the order of the service.
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
			all = append(all, Issue{State: c.State, Status: statusUnreachable, Company: c.Label(), Why: c.Problem.Message})
		}
	}
	slices.SortStableFunc(all, func(a, b Issue) int { return b.State.severity() - a.State.severity() })
	return all
}

// told tells whether what differs is in trouble by its status already, and so is named once.
func (r *Report) hasIssue(e Entry) bool {
	return slices.ContainsFunc(r.Subscriptions, func(f Finding) bool {
		return f.ID == e.ID && f.State != OK && (e.Company == "" || f.CompanyID == e.CompanyID)
	})
}

// statusWords returns a status as it is shown.
func statusWords(status tripletex.Status) string { return words(cmp.Or(string(status), statusNone)) }

// trouble names a finding, which may also be one that is well.
func (f Finding) issue() Issue {
	return Issue{
		State: f.State, ID: strconv.FormatInt(f.ID, 10), Event: f.Event, Status: cmp.Or(string(f.Status), statusNone),
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

// labelOf names the company of one thing, or is empty where there are not several.
func labelOf(id int64, company string) string {
	if company == "" {
		return ""
	}
	return fleet.Company{CompanyID: id, CompanyName: company}.Label()
}

// short names a trouble in one line of plain text: id, event, what is wrong, and where there are several the company.
func (t Issue) short() string {
	if t.Status == statusUnreachable {
		return words(t.Company, "could not be asked")
	}
	return words(t.ID, t.Event, t.Status) + t.place()
}

// place is the company in words.
func (t Issue) place() string {
	if t.Company == "" {
		return ""
	}
	return " in " + words(t.Company)
}

// long is short with the host of the target behind, or with why nobody could be asked.
func (t Issue) long() string {
	if t.Status == statusUnreachable {
		return t.short() + ": " + cut(plain(t.Why), nagiosFirstLine)
	}
	return words(t.ID, t.Event, t.Status, t.TargetHost) + t.place()
}

// longest is how many bytes of a name are shown: the service allows events of 255 characters.
const longest = 80

func words(all ...string) string {
	var kept []string
	for _, word := range all {
		if word != "" {
			kept = append(kept, cut(plain(word), longest))
		}
	}
	return strings.Join(kept, " ")
}

// plain makes foreign text safe for the one-line formats of monitors: a control character could end the line, and
// a "|" would begin performance data.
func plain(text string) string { return strings.ReplaceAll(terminal.Safe(text), "|", `\u{7c}`) }

// cut shortens text to at most limit bytes, and shows it.
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

// listed joins as many of the items as fit into limit bytes, and says how many did not.
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
