package health_test

import (
	"cmp"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func TestDuplicatesAreAWarning(t *testing.T) {
	t.Parallel()
	const target = "https://hooks.example.no/t"
	for name, c := range map[string]struct {
		event, target string
		status        tripletex.Status
		rules         health.Rules
		off           []int64
		state         health.State
		text          string
	}{
		"the same":            {state: health.Warning, text: "2 of 2 active; 1 duplicate"},
		"another event":       {event: "order.update", state: health.OK, text: "2 of 2 active"},
		"another target":      {target: target + "/", state: health.OK, text: "2 of 2 active"},
		"one that is failing": {status: tripletex.DisabledTooManyErrors, state: health.Critical, text: "1 of 2 not active; 1 duplicate"},
		"another spelling": {
			event: "ORDER.create", target: "https://HOOKS.example.no:443/%74?k=v", state: health.Warning, text: "2 of 2 active; 1 duplicate",
		},
		"allowed by a count": {
			rules: health.Rules{Thresholds: thresholds(t, "w active=2:")}, state: health.Warning, text: "2 of 2 active; 1 duplicate",
		},
		"one meant to be off": {
			status: tripletex.Disabled, off: []int64{2}, state: health.Warning,
			text: "1 of 2 active; 1 disabled by the manifest; 1 duplicate",
		},
	} {
		report := health.Check(health.Input{Rules: c.rules, Manifest: &health.Comparison{Off: c.off}, Subscriptions: []tripletex.Subscription{
			{ID: 1, Event: "order.create", TargetURL: target, Status: tripletex.Active},
			{
				ID: 2, Event: cmp.Or(c.event, "order.create"), TargetURL: cmp.Or(c.target, target),
				Status: cmp.Or(c.status, tripletex.Active),
			},
		}})
		if report.State != c.state {
			t.Errorf("%s: State = %s, want %s", name, report.State, c.state)
		}
		if report.Summary != c.text {
			t.Errorf("%s: Summary = %q, want %q", name, report.Summary, c.text)
		}
		merged := health.Merge([]health.Part{{Report: report}}, c.rules, 0)
		if merged.State != c.state {
			t.Errorf("%s: of one company: State = %s, want %s", name, merged.State, c.state)
		}
	}
}

// Every format names a duplicate and the one that it repeats.
func TestFormatsNameDuplicates(t *testing.T) {
	t.Parallel()
	all := subscriptions(tripletex.Active, tripletex.Active)
	all[1].TargetURL = all[0].TargetURL
	for format, want := range map[output.Format]string{
		health.FormatTable:      "subscription delete 4712",
		health.FormatNagios:     "4712 order.create ACTIVE, duplicate of 4711",
		health.FormatJSON:       `"duplicateOf":4711`,
		health.FormatPrometheus: "tlxhook_duplicate_subscriptions 1\n",
		health.FormatCheckmk:    "ACTIVE, duplicate of 4711",
		health.FormatGitHub:     "is ACTIVE, duplicate of 4711",
		health.FormatJUnit:      `<failure type="ACTIVE, duplicate of 4711"`,
	} {
		d := health.Document{Report: health.Check(health.Input{Subscriptions: all}), Output: output.Options{Format: format}, Each: true}
		raw, err := d.Render(t.Context(), &terminal.Terminal{})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(raw), want) {
			t.Errorf("%s: missing %q:\n%s", format, want, raw)
		}
	}
}
