package health

import (
	"fmt"
	"slices"
	"time"

	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// Part is the report on one of several companies.
type Part struct {
	Company CompanyState
	Report  *Report
}

// CompanyState is the result for one company of a report.
type CompanyState struct {
	fleet.Company

	State State `json:"state"`
	// Total and Active count its subscriptions.
	Total  int `json:"total"`
	Active int `json:"active"`
	// Problem is the reason for an unreachable company.
	Problem *Problem `json:"error,omitempty"`
}

// Merge combines the reports on several companies, worst first. Thresholds apply to the sums, so a company without
// subscriptions is OK unless a manifest declares some or no company has any. An unreachable company adds its state and
// leaves the other results unchanged; if all are unreachable, the report has a problem and no counts.
func Merge(parts []Part, rules Rules, took time.Duration) *Report {
	for i, part := range parts {
		parts[i].Company = part.summarize()
	}
	slices.SortStableFunc(parts, func(a, b Part) int { return b.Company.State.severity() - a.Company.State.severity() })
	r := &Report{Counts: &Counts{}, Subscriptions: []Finding{}, rules: rules, took: took}
	for _, part := range parts {
		r.add(part)
	}
	if n := len(parts); n > 0 && r.unreachable() == n {
		first := r.Companies[0]
		r.Counts, r.Problem = nil, first.Problem
		r.conclude(first.State, fmt.Sprintf("none of %s reachable; for example %s: %s",
			terminal.Count(n, "company"), first.Label(), first.Problem.Message))
		return r
	}
	r.evaluate()
	return r
}

// summarize returns the company with its state and counts.
func (p Part) summarize() CompanyState {
	c := p.Company
	c.State, c.Problem = p.Report.worst(), p.Report.Problem
	if c.Problem != nil {
		c.State = p.Report.State
	}
	if counts := p.Report.Counts; counts != nil {
		c.Total, c.Active = counts.Total, counts.Active
	}
	return c
}

// add adds the results of one company.
func (r *Report) add(part Part) {
	c, found := part.Company, part.Report
	r.Companies = append(r.Companies, c)
	for _, f := range found.Subscriptions {
		f.CompanyID, f.Company = c.CompanyID, c.CompanyName
		r.Subscriptions = append(r.Subscriptions, f)
	}
	r.off += found.off
	r.Missing = append(r.Missing, inCompany(c, found.Missing)...)
	r.Drifting = append(r.Drifting, inCompany(c, found.Drifting)...)
	if m := found.manifest; m != nil {
		if r.manifest == nil {
			r.manifest = &Comparison{}
		}
		r.manifest.Extra += m.Extra
	}
}

func inCompany(c CompanyState, all []Entry) []Entry {
	all = slices.Clone(all)
	for i := range all {
		all[i].CompanyID, all[i].Company = c.CompanyID, c.CompanyName
	}
	return all
}

// Incomplete reports whether companies were unreachable.
func (r *Report) Incomplete() bool { return r.unreachable() > 0 }

// unreachable returns the number of unreachable companies.
func (r *Report) unreachable() int {
	return r.count(func(c CompanyState) bool { return c.Problem != nil })
}

func (r *Report) count(is func(CompanyState) bool) int {
	n := 0
	for _, c := range r.Companies {
		if is(c) {
			n++
		}
	}
	return n
}

// where returns " in N companies" for the headline: the unhealthy ones of all, or all if none is unhealthy.
func (r *Report) where() string {
	unhealthy := r.count(func(c CompanyState) bool { return c.Problem == nil && c.State != OK })
	switch all := len(r.Companies); {
	case all == 0:
		return ""
	case unhealthy == 0:
		return " in " + terminal.Count(all-r.unreachable(), "company")
	default:
		return fmt.Sprintf(" in %d of %s", unhealthy, terminal.Count(all, "company"))
	}
}
