package health_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func render(t *testing.T, format output.Format, d health.Document) string {
	t.Helper()
	d.Output.Format = format
	raw, err := d.Render(t.Context(), &terminal.Terminal{})
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// Prometheus gets series of each subscription up to the limit, and totals above it, unless all are requested.
func TestSeriesAreLimited(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		subscriptions int
		each, want    bool
	}{{health.DefaultMaxSeries, false, true}, {health.DefaultMaxSeries + 1, false, false}, {health.DefaultMaxSeries + 1, true, true}} {
		page := render(t, health.FormatPrometheus, health.Document{Report: disabled(c.subscriptions), Each: c.each})
		if got := strings.Contains(page, `id="4711"`); got != c.want {
			t.Errorf("%d subscriptions, each %v: series of one = %v, want %v", c.subscriptions, c.each, got, c.want)
		}
	}
}

func TestTableShowsTheHintOfAProblem(t *testing.T) {
	t.Parallel()
	for hint, want := range map[string]string{"run tlxhook auth login": "hint: run tlxhook auth login\n", "": ""} {
		report := health.Unreachable(health.Problem{Message: "login refused", Hint: hint}, health.Unknown, 0)
		if got, want := render(t, health.FormatTable, health.Document{Report: report}), "UNKNOWN: login refused\n"+want; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A suggested command names the company of the subscription if the report is on several.
func TestSuggestedCommandNamesTheCompany(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		company int64
		many    bool
		want    string
	}{{2001, true, " --company 2001"}, {2001, false, ""}, {0, true, ""}} {
		company := fleet.Company{CompanyID: c.company, CompanyName: "Nord AS"}
		report := health.Merge([]health.Part{part(company.CompanyID, company.CompanyName, tripletex.Status("NEW"))}, health.Rules{}, 0)
		want := fmt.Sprintf("\n  tlxhook%s subscription show 4711\n", c.want)
		got := render(t, health.FormatTable, health.Document{Report: report, Many: c.many})
		if !strings.Contains(got, want) {
			t.Errorf("company %d, many %v: %q is not in:\n%s", c.company, c.many, want, got)
		}
		if strings.Contains(got, "subscription enable") {
			t.Errorf("company %d, many %v: nothing is disabled:\n%s", c.company, c.many, got)
		}
	}
}

func TestTableShowsFiftyIssues(t *testing.T) {
	t.Parallel()
	for issues, want := range map[int]int{50: 0, 51: 1} {
		got := render(t, health.FormatTable, health.Document{Report: disabled(issues)})
		if more := strings.Count(got, "more; -o json shows all\n"); more != want {
			t.Errorf("%d issues: %s", issues, got)
		}
		if rows := strings.Count(got, " order.create "); rows != 50 {
			t.Errorf("%d issues: %d rows, want 50", issues, rows)
		}
	}
}

// IDs are suggested for up to ten subscriptions of one company.
func TestTableSuggestsHowToEnable(t *testing.T) {
	t.Parallel()
	all := health.CommandFlags{Login: " -p acme", Companies: " --all-companies"}
	for _, c := range []struct {
		issues int
		many   bool
		want   string
	}{
		{0, false, ""},
		{0, true, ""},
		{1, false, "\n  tlxhook -p acme subscription enable 4711 --probe\n"},
		{10, false, " 4719 4720 --probe\n"},
		{11, false, "\n  tlxhook -p acme subscription enable --status 'DISABLED*' --all-companies --probe\n"},
		{1, true, "\n  tlxhook -p acme subscription enable --status 'DISABLED*' --all-companies --probe\n"},
	} {
		got := render(t, health.FormatTable, health.Document{Report: disabled(c.issues), Many: c.many, Flags: all})
		if !strings.Contains(got, c.want) || strings.Contains(got, "enable") != (c.want != "") {
			t.Errorf("%d issues, many %t: %s, want %q", c.issues, c.many, got, c.want)
		}
	}
}

func TestTableNamesUnreachableCompanies(t *testing.T) {
	t.Parallel()
	for reached, report := range map[bool]*health.Report{
		true:  health.Merge([]health.Part{part(1, "Nord AS", tripletex.Disabled)}, health.Rules{}, 0),
		false: health.Merge([]health.Part{part(1, "Nord AS", tripletex.Disabled), silent(2, "Sør AS", health.Unknown)}, health.Rules{}, 0),
	} {
		got := render(t, health.FormatTable, health.Document{Report: report, Many: true})
		if named := strings.Contains(got, "\nUnreachable companies:\n  Sør AS (2): no response in time\n"); named == reached {
			t.Errorf("all reached %t: %s", reached, got)
		}
	}
}
