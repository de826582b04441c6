package health_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// part returns the report on a company with subscriptions of the given statuses.
func part(id int64, name string, statuses ...tripletex.Status) health.Part {
	report := health.Check(health.Input{Subscriptions: subscriptions(statuses...), CompanyID: id})
	return health.Part{Company: health.CompanyState{Company: fleet.Company{CompanyID: id, CompanyName: name}}, Report: report}
}

// silent returns the report on an unreachable company.
func silent(id int64, name string, state health.State) health.Part {
	report := health.Unreachable(health.Problem{Code: "timeout", Message: "no response in time"}, state, time.Second)
	return health.Part{Company: health.CompanyState{Company: fleet.Company{CompanyID: id, CompanyName: name}}, Report: report}
}

// hostileCompanies is a report on companies with malicious names.
func hostileCompanies() *health.Report {
	var parts []health.Part
	for i, name := range hostileNames() {
		parts = append(parts,
			health.Part{Company: health.CompanyState{Company: fleet.Company{CompanyID: int64(i), CompanyName: name}}, Report: hostile()},
			silent(int64(i+100), name, health.Unknown))
	}
	return health.Merge(parts, health.Rules{}, time.Second)
}

func TestMergeReturnsTheWorstState(t *testing.T) {
	t.Parallel()
	const off, tooMany = tripletex.Disabled, tripletex.DisabledTooManyErrors
	for name, test := range map[string]struct {
		parts   []health.Part
		state   health.State
		summary string
		first   string // the company in front
	}{
		"all healthy": {
			[]health.Part{part(1, "A", tripletex.Active), part(2, "B", tripletex.Active)},
			health.OK, "2 of 2 active in 2 companies", "A",
		},
		"one empty":        {[]health.Part{part(1, "A"), part(2, "B", tripletex.Active)}, health.OK, "1 of 1 active in 2 companies", "A"},
		"no subscriptions": {[]health.Part{part(1, "A"), part(2, "B")}, health.Critical, "no subscription matches", "A"},
		"worst state wins": {
			[]health.Part{part(1, "A", off, tripletex.Active), part(2, "B", tooMany)},
			health.Critical, "2 of 3 not active in 2 of 2 companies", "B",
		},
		"unreachable is UNKNOWN": {
			[]health.Part{part(1, "A", tripletex.Active), silent(2, "B", health.Unknown)},
			health.Unknown, "1 of 1 active in 1 company; 1 company unreachable", "B",
		},
		"unreachable does not lower CRITICAL": {
			[]health.Part{silent(1, "A", health.Unknown), part(2, "B", tooMany, tripletex.Active)},
			health.Critical, "1 of 2 not active in 1 of 2 companies; 1 company unreachable", "B",
		},
		"configured unreachable state": {
			[]health.Part{part(1, "A", off, tripletex.Active), silent(2, "B", health.Critical)},
			health.Critical, "1 of 2 not active in 1 of 2 companies; 1 company unreachable", "B",
		},
		"all unreachable": {
			[]health.Part{silent(1, "A", health.Unknown), silent(2, "B", health.Unknown)},
			health.Unknown, "none of 2 companies reachable; for example A (1): no response in time", "A",
		},
	} {
		r := health.Merge(test.parts, health.Rules{}, time.Second)
		switch {
		case r.State != test.state:
			t.Errorf("%s: r.State = %v, want %v", name, r.State, test.state)
		case r.ExitCode != test.state.ExitCode():
			t.Errorf("%s: r.ExitCode = %v, want %v", name, r.ExitCode, test.state.ExitCode())
		case r.Summary != test.summary:
			t.Errorf("%s: r.Summary = %v, want %v", name, r.Summary, test.summary)
		case r.Companies[0].CompanyName != test.first:
			t.Errorf("%s: r.Companies[0].CompanyName = %v, want %v", name, r.Companies[0].CompanyName, test.first)
		}
		switch reachable := r.Problem == nil; {
		case reachable != (r.Counts != nil):
			t.Errorf("%s: reachable = %v, want %v", name, reachable, (r.Counts != nil))
		case reachable == strings.HasPrefix(test.summary, "none of"):
			t.Errorf("%s: reachable = %v", name, reachable)
		}
	}
}

// Thresholds apply to the sums over all companies.
func TestThresholdsApplyToTheSum(t *testing.T) {
	t.Parallel()
	rules := health.Rules{Thresholds: thresholds(t, "w disabled=1", "c disabled=2")}
	two := []health.Part{part(1, "A", tripletex.Disabled, tripletex.Active), part(2, "B", tripletex.Disabled)}
	switch r := health.Merge(two, rules, 0); {
	case r.State != health.Warning:
		t.Errorf("r.State = %v, want %v", r.State, health.Warning)
	case r.Counts.Disabled != 2:
		t.Errorf("r.Counts.Disabled = %v, want 2", r.Counts.Disabled)
	}
	if r := health.Merge(append(two, part(3, "C", tripletex.Disabled)), rules, 0); r.State != health.Critical {
		t.Errorf("%s, %+v", r.State, r.Counts)
	}
}

// Every issue names its company, and companies with the same name are distinguished.
func TestIssuesNameTheirCompany(t *testing.T) {
	t.Parallel()
	lacking := health.Part{
		Company: health.CompanyState{Company: fleet.Company{CompanyID: 3, CompanyName: "Nord AS"}},
		Report: health.Check(health.Input{
			Subscriptions: subscriptions(tripletex.Active),
			Manifest:      &health.Comparison{Missing: []health.Entry{{Event: "order.delete", TargetHost: "h.example.no"}}},
		}),
	}
	r := health.Merge([]health.Part{silent(9, "Sør AS", health.Unknown), part(2, "Nord AS", tripletex.Active, tripletex.Disabled), lacking},
		health.Rules{}, 0)
	_, lines, _ := strings.Cut(string(r.Nagios(false)), "\n")
	want := `order.delete MISSING h.example.no in Nord AS (3)
4712 order.create DISABLED hooks.example.no in Nord AS (2)
Sør AS (9) unreachable: no response in time
`
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
	switch raw, err := r.ZabbixDiscovery("acme"); {
	case err != nil:
		t.Error(err)
	case len(raw) > 0:
		t.Errorf("len(raw) = %v, want 0", len(raw))
	}
}

// Every metric family appears once, with the series of all companies.
func TestPrometheusMergesCompanies(t *testing.T) {
	t.Parallel()
	samples := []health.Sample{sample(threeOfFourteen()), sample(unreachable()), sample(hostile())}
	for i, company := range []string{"acme/1", "acme/2", "acme/3"} {
		samples[i].Company = company
	}
	page := pageOf(samples...)
	switch printed, err := run(t, page, "promtool", "check", "metrics"); {
	case err != nil:
		t.Error(err)
	case printed != "":
		t.Errorf("printed = %q, want %q", printed, "")
	}
	series := 0
	for _, s := range samples {
		series += seriesOf(pageOf(s))
	}
	switch got := seriesOf(page); {
	case got != series:
		t.Errorf("got = %v, want %v", got, series)
	case len(samplesOf(page, "tlxhook_up")) != 3:
		t.Errorf("%d series of %d are there", got, series)
	}
}

func seriesOf(page []byte) int {
	n := 0
	for line := range strings.Lines(string(page)) {
		if !strings.HasPrefix(line, "#") {
			n++
		}
	}
	return n
}

// A drifting subscription is an issue, also if another company has a disabled one with the same ID.
func TestDriftIsNotHiddenByAnotherCompany(t *testing.T) {
	t.Parallel()
	drifting := func(id int64, name string, status tripletex.Status) health.Part {
		p := part(id, name, status)
		p.Report = health.Check(health.Input{
			Subscriptions: subscriptions(status),
			Manifest:      &health.Comparison{Drifting: []health.Entry{{ID: 4711, Event: "order.create", TargetHost: "h.example.no"}}},
		})
		return p
	}
	r := health.Merge([]health.Part{
		part(1, "Nord AS", tripletex.Disabled), drifting(2, "Sør AS", tripletex.Active), drifting(3, "Vest AS", tripletex.Disabled),
	}, health.Rules{}, 0)
	var issues []string
	for _, i := range r.Issues() {
		issues = append(issues, i.Company+" "+i.Status)
	}
	slices.Sort(issues)
	want := []string{"Nord AS (1) DISABLED", "Sør AS (2) DIFFERS", "Vest AS (3) DISABLED"}
	if diff := cmp.Diff(want, issues); diff != "" {
		t.Error(diff)
	}
}

func TestCasesAreNamedByLoginAndCompany(t *testing.T) {
	t.Parallel()
	one := health.Merge([]health.Part{part(7, "Nord AS", tripletex.Disabled)}, health.Rules{}, 0)
	for suite, want := range map[string][]string{
		"":     {`classname="tlxhook"`, `classname="tlxhook.Nord AS (7)"`},
		"prod": {`classname="tlxhook.prod"`, `classname="tlxhook.prod.Nord AS (7)"`},
	} {
		document, err := one.JUnit(suite)
		if err != nil {
			t.Fatal(err)
		}
		for _, class := range want {
			if !strings.Contains(string(document), class) {
				t.Errorf("suite %q: %s, want it to contain %s", suite, document, class)
			}
		}
	}
}

func TestNoCompanyIsNoFault(t *testing.T) {
	t.Parallel()
	if r := health.Merge(nil, health.Rules{}, 0); r.Problem != nil {
		t.Errorf("r.Problem = %v, want none", r.Problem)
	}
}
