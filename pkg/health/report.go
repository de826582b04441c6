package health

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/targeturl"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Input is the input of [Check].
type Input struct {
	// Subscriptions are the selected subscriptions.
	Subscriptions []tripletex.Subscription
	// Absent are selected IDs that do not exist.
	Absent []int64
	// Manifest is the result of the comparison with a manifest; nil for none.
	Manifest *Comparison
	Rules    Rules
	// CompanyID is the company of the subscriptions; 0 is the login's own.
	CompanyID int64
	// Took is the duration of the listing.
	Took time.Duration
}

// Comparison is the difference between a manifest and the service.
type Comparison struct {
	// Missing are declared subscriptions that do not exist.
	Missing []Entry
	// Drifting are existing subscriptions that differ from their declaration.
	Drifting []Entry
	// Extra is the number of subscriptions that the manifest owns but does not declare.
	Extra int
	// Off are the IDs of subscriptions that the manifest declares as disabled.
	Off []int64
}

// Entry describes a missing or drifting subscription by its known fields.
type Entry struct {
	ID         int64  `json:"id,omitempty"`
	Event      string `json:"event,omitempty"`
	TargetHost string `json:"targetHost,omitempty"`
	// CompanyID and Company identify the company in a report on several.
	CompanyID int64  `json:"companyId,omitempty"`
	Company   string `json:"companyName,omitempty"`
}

// Report is the result that every format renders.
type Report struct {
	State    State  `json:"state"`
	ExitCode int    `json:"exitCode"`
	Summary  string `json:"summary"`
	// Counts is nil if the service could not be reached; zeros would be wrong.
	Counts *Counts `json:"counts,omitempty"`
	// Subscriptions are in the order of the service, with the worst company first.
	Subscriptions []Finding `json:"subscriptions"`
	Missing       []Entry   `json:"missing,omitempty"`
	Drifting      []Entry   `json:"drifting,omitempty"`
	// Silent are events without deliveries for too long.
	Silent []Silence `json:"silent,omitempty"`
	// Companies are the companies of a merged report, worst first.
	Companies []CompanyState `json:"companies,omitempty"`
	// Problem is the reason for an unreachable service.
	Problem *Problem `json:"error,omitempty"`

	took     time.Duration
	silent   []Issue
	rules    Rules
	manifest *Comparison
	off      int // subscriptions that are disabled as declared in the manifest
}

// Finding is a subscription and its state. It contains no secrets: only the host of the target is kept.
type Finding struct {
	ID         int64            `json:"id"`
	Event      string           `json:"event"`
	Status     tripletex.Status `json:"status"`
	StatusCode int              `json:"statusCode"`
	State      State            `json:"state"`
	TargetHost string           `json:"targetHost"`
	CompanyID  int64            `json:"companyId"`
	Company    string           `json:"companyName,omitempty"` // in a report on several companies
	Version    int              `json:"version"`
	// DuplicateOf is the oldest subscription with the same event and target; 0 for none.
	DuplicateOf int64 `json:"duplicateOf,omitempty"`
	// LastChange is the RFC 3339 time of the last change; empty if changes were not requested.
	LastChange string `json:"lastChange,omitempty"`
}

// Where returns the label of the company in a report on several, otherwise an empty string.
func (f Finding) Where() string { return labelOf(f.CompanyID, f.Company) }

// Problem is the reason for a report without findings.
type Problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	// Hint is the suggested next step; it may be empty.
	Hint string `json:"hint,omitempty"`
}

// ProblemOf returns an error of the client as a problem.
func ProblemOf(err error) Problem {
	return Problem{Code: string(tripletex.KindOf(err)), Message: err.Error()}
}

// Findings returns the state of each subscription, in the given order.
func (r Rules) Findings(all []tripletex.Subscription, company int64) []Finding {
	findings := make([]Finding, len(all))
	for i, s := range all {
		findings[i] = Finding{
			ID: s.ID, Event: s.Event, Status: s.Status, StatusCode: statusCode(s.Status), State: r.StateOf(s.Status),
			TargetHost: targeturl.Host(s.TargetURL), CompanyID: company, Version: s.Version,
		}
		if len(s.Changes) > 0 {
			findings[i].LastChange = s.Changes[len(s.Changes)-1].Timestamp
		}
	}
	return findings
}

// Check evaluates subscriptions. The state is the worst of all findings, thresholds and missing subscriptions.
func Check(in Input) *Report {
	r := &Report{Counts: &Counts{}, rules: in.Rules, took: in.Took, manifest: in.Manifest}
	r.Subscriptions = in.Rules.Findings(in.Subscriptions, in.CompanyID)
	for _, id := range in.Absent {
		r.Missing = append(r.Missing, Entry{ID: id})
	}
	if in.Manifest != nil {
		r.Missing = append(r.Missing, in.Manifest.Missing...)
		r.Drifting = in.Manifest.Drifting
		r.treatDisabledAsOK(in.Manifest.Off)
	}
	r.markDuplicates(in.Subscriptions)
	r.evaluate()
	return r
}

// treatDisabledAsOK clears findings for subscriptions that the manifest disables.
func (r *Report) treatDisabledAsOK(off []int64) {
	for i, f := range r.Subscriptions {
		if f.Status == tripletex.Disabled && slices.Contains(off, f.ID) {
			r.Subscriptions[i].State = OK
			r.off++
		}
	}
}

// markDuplicates makes subscriptions with the event and target of an older one at least a warning.
func (r *Report) markDuplicates(all []tripletex.Subscription) {
	duplicates := match.Duplicates(all)
	for i := range r.Subscriptions {
		f := &r.Subscriptions[i]
		if f.DuplicateOf = duplicates[f.ID]; f.DuplicateOf != 0 {
			f.State = Worst(f.State, Warning)
		}
	}
}

// duplicates counts the findings with the event and target of an older one.
func (r *Report) duplicates() int {
	n := 0
	for _, f := range r.Subscriptions {
		if f.DuplicateOf != 0 {
			n++
		}
	}
	return n
}

// evaluate counts the findings and sets state and summary.
func (r *Report) evaluate() {
	for _, f := range r.Subscriptions {
		*r.Counts.of(countOf(f.Status))++
		r.Counts.Total++
	}
	violated, state := r.violated()
	r.conclude(Worst(state, r.worst()), r.headline(violated))
}

// worst returns the worst state of the individual findings. Statuses whose count has a configured threshold are
// evaluated by the threshold only.
func (r *Report) worst() State {
	worst := OK
	for _, f := range r.Subscriptions {
		if !r.rules.Thresholds.has(countOf(f.Status)) {
			worst = Worst(worst, f.State)
		}
	}
	if r.duplicates() > 0 || len(r.Drifting) > 0 {
		worst = Worst(worst, Warning)
	}
	if len(r.Missing) > 0 {
		worst = Worst(worst, Critical)
	}
	for _, c := range r.Companies {
		if c.Problem != nil {
			worst = Worst(worst, c.State)
		}
	}
	return worst
}

// Unreachable returns a report without findings, in the given state.
func Unreachable(p Problem, state State, took time.Duration) *Report {
	r := &Report{Subscriptions: []Finding{}, Problem: &p, took: took}
	r.conclude(state, p.Message)
	return r
}

func (r *Report) conclude(state State, summary string) {
	r.State, r.ExitCode, r.Summary = state, state.ExitCode(), summary
}

// violated returns a text for each violated configured threshold, and the worst state of all thresholds. Of the
// thresholds of the rules only the one on active subscriptions applies; the findings cover the others.
func (r *Report) violated() (texts []string, worst State) {
	worst = OK
	for _, name := range append(statusCounts(), countTotal) {
		configured := r.rules.Thresholds.has(name)
		if !configured && name != countActive {
			continue
		}
		count := *r.Counts.of(name)
		if !configured {
			count += r.off // a manifest may disable all of them
		}
		state, text := r.rules.evaluate(name, count)
		worst = Worst(worst, state)
		if configured && text != "" {
			texts = append(texts, text)
		}
	}
	return texts, worst
}

// headline returns the one-line summary, without names of subscriptions.
func (r *Report) headline(violated []string) string {
	var parts []string
	inactive := r.Counts.Total - r.Counts.Active - r.off
	switch {
	case inactive > 0:
		parts = append(parts, fmt.Sprintf("%d of %d not active%s", inactive, r.Counts.Total, r.where()))
	case r.Counts.Total > 0:
		parts = append(parts, fmt.Sprintf("%d of %d active%s", r.Counts.Active, r.Counts.Total, r.where()))
	case len(r.Missing) == 0:
		parts = append(parts, "no subscription matches")
	}
	if r.off > 0 {
		parts = append(parts, fmt.Sprintf("%d disabled by the manifest", r.off))
	}
	if n := len(r.Missing); n > 0 {
		parts = append(parts, fmt.Sprintf("%d missing", n))
	}
	switch n := len(r.Drifting); {
	case n == 1:
		parts = append(parts, "1 differs from the manifest")
	case n > 1:
		parts = append(parts, fmt.Sprintf("%d differ from the manifest", n))
	}
	if n := r.duplicates(); n > 0 {
		parts = append(parts, terminal.Count(n, "duplicate"))
	}
	if n := r.unreachable(); n > 0 {
		parts = append(parts, terminal.Count(n, "company")+" unreachable")
	}
	return strings.Join(append(parts, violated...), "; ")
}

// WorstFirst returns the findings, worst first, otherwise in the order of the service. An unreachable company is a
// finding without an ID.
func (r *Report) WorstFirst() []Finding {
	found := slices.Clone(r.Subscriptions)
	for _, c := range r.Companies {
		if c.Problem != nil {
			found = append(found, Finding{CompanyID: c.CompanyID, Company: c.CompanyName, Status: statusUnreachable, State: c.State})
		}
	}
	slices.SortStableFunc(found, func(a, b Finding) int { return b.State.severity() - a.State.severity() })
	return found
}
