package health

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/targeturl"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Input is what a verdict is made from.
type Input struct {
	// Subscriptions are those that were chosen.
	Subscriptions []tripletex.Subscription
	// Absent are ids that were chosen and are not there.
	Absent []int64
	// Manifest is what a comparison with a manifest found, or nil where there was none.
	Manifest *Comparison
	Rules    Rules
	// CompanyID is the company that was asked for; 0 is the login's own.
	CompanyID int64
	// Took is how long asking took.
	Took time.Duration
}

// Comparison is how a manifest and the service differ.
type Comparison struct {
	// Missing are subscriptions of the manifest that the service does not have.
	Missing []Entry
	// Drifting are those that it has otherwise.
	Drifting []Entry
	// Extra is how many the service has that the manifest owns and does not list.
	Extra int
	// Off are the ids of those that the manifest itself wants switched off.
	Off []int64
}

// Entry names a subscription that has no id yet, or names it by what is known of it.
type Entry struct {
	ID         int64  `json:"id,omitempty"`
	Event      string `json:"event,omitempty"`
	TargetHost string `json:"targetHost,omitempty"`
	// CompanyID and Company name the company, where there are several.
	CompanyID int64  `json:"companyId,omitempty"`
	Company   string `json:"companyName,omitempty"`
}

// Report is the one verdict that every format renders.
type Report struct {
	State    State  `json:"state"`
	ExitCode int    `json:"exitCode"`
	Summary  string `json:"summary"`
	// Counts is nil where nobody could be asked: zeros would be a lie.
	Counts *Counts `json:"counts,omitempty"`
	// Subscriptions are in the order of the service; of several companies, the worst company comes first.
	Subscriptions []Finding `json:"subscriptions"`
	Missing       []Entry   `json:"missing,omitempty"`
	Drifting      []Entry   `json:"drifting,omitempty"`
	// Companies are those of a merged report, the worst first.
	Companies []CompanyState `json:"companies,omitempty"`
	// Problem says why nobody could be asked.
	Problem *Problem `json:"error,omitempty"`

	took     time.Duration
	rules    Rules
	manifest *Comparison
	off      int // how many are DISABLED, as the manifest says
}

// Finding is a subscription and its verdict. It holds no secret: of the target only the host is kept.
type Finding struct {
	ID         int64            `json:"id"`
	Event      string           `json:"event"`
	Status     tripletex.Status `json:"status"`
	StatusCode int              `json:"statusCode"`
	State      State            `json:"state"`
	TargetHost string           `json:"targetHost"`
	CompanyID  int64            `json:"companyId"`
	Company    string           `json:"companyName,omitempty"` // where there are several
	Version    int              `json:"version"`
	// LastChange is when the subscription was last changed, where the service was asked and says so.
	LastChange string `json:"lastChange,omitempty"`
}

// Where names the company of the subscription; empty where there are not several.
func (f Finding) Where() string { return labelOf(f.CompanyID, f.Company) }

// Problem is why there is no verdict.
type Problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	// Hint says what to do next; it may be empty.
	Hint string `json:"hint,omitempty"`
}

// ProblemOf returns an error of the client as a problem.
func ProblemOf(err error) Problem {
	return Problem{Code: string(tripletex.KindOf(err)), Message: err.Error()}
}

// Findings judges subscriptions one by one, in their order.
func (r Rules) Findings(all []tripletex.Subscription, company int64) []Finding {
	found := make([]Finding, len(all))
	for i, s := range all {
		found[i] = Finding{
			ID: s.ID, Event: s.Event, Status: s.Status, StatusCode: statusCode(s.Status), State: r.StateOf(s.Status),
			TargetHost: targeturl.Host(s.TargetURL), CompanyID: company, Version: s.Version,
		}
		if len(s.Changes) > 0 {
			found[i].LastChange = s.Changes[len(s.Changes)-1].Timestamp
		}
	}
	return found
}

// Check gives the verdict on subscriptions: the worst that any of them, any threshold or a missing one says.
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
	r.evaluate()
	return r
}

// treatDisabledAsOK takes it for well that what is meant to be off is off.
func (r *Report) treatDisabledAsOK(off []int64) {
	for i, f := range r.Subscriptions {
		if f.Status == tripletex.Disabled && slices.Contains(off, f.ID) {
			r.Subscriptions[i].State = OK
			r.off++
		}
	}
}

// judge counts what was found and concludes.
func (r *Report) evaluate() {
	for _, f := range r.Subscriptions {
		*r.Counts.of(countOf(f.Status))++
		r.Counts.Total++
	}
	crossed, state := r.crossed()
	r.conclude(Worst(state, r.found()), r.headline(crossed))
}

// found returns the worst of what was found one by one. Counts that somebody judges by a threshold are left to it.
func (r *Report) found() State {
	states := []State{OK}
	for _, f := range r.Subscriptions {
		if !r.rules.Thresholds.chosen(countOf(f.Status)) {
			states = append(states, f.State)
		}
	}
	if len(r.Missing) > 0 {
		states = append(states, Critical)
	}
	if len(r.Drifting) > 0 {
		states = append(states, Warning)
	}
	for _, c := range r.Companies {
		if c.Problem != nil {
			states = append(states, c.State)
		}
	}
	return Worst(states...)
}

// Unreachable is the report where there is no verdict, in a state that somebody chose for that.
func Unreachable(p Problem, state State, took time.Duration) *Report {
	r := &Report{Subscriptions: []Finding{}, Problem: &p, took: took}
	r.conclude(state, p.Message)
	return r
}

func (r *Report) conclude(state State, summary string) {
	r.State, r.ExitCode, r.Summary = state, state.ExitCode(), summary
}

// crossed returns the thresholds that somebody chose and that were crossed, in words, and the worst of what all
// thresholds say. The rules' own say what the findings say already, but for the one on active subscriptions.
func (r *Report) crossed() (texts []string, worst State) {
	worst = OK
	for _, name := range append(statusCounts(), countTotal) {
		chosen := r.rules.Thresholds.chosen(name)
		if !chosen && name != countActive {
			continue
		}
		count := *r.Counts.of(name)
		if !chosen {
			count += r.off // so that none is active may be as it is meant
		}
		state, text := r.rules.evaluate(name, count)
		worst = Worst(worst, state)
		if chosen && text != "" {
			texts = append(texts, text)
		}
	}
	return texts, worst
}

// headline says in one line how things stand, without naming any subscription.
func (r *Report) headline(crossed []string) string {
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
		parts = append(parts, fmt.Sprintf("%d off as the manifest says", r.off))
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
	if n := r.unreachable(); n > 0 {
		parts = append(parts, companies(n)+" could not be asked")
	}
	return strings.Join(append(parts, crossed...), "; ")
}

// WorstFirst returns the findings with the worst in front, else in the order of the service. A company that could not
// be asked is one of them, without an id.
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
