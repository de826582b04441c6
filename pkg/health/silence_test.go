package health_test

import (
	"errors"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func TestSilenceIsAWarning(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		silence health.Silence
		status  tripletex.Status
		state   health.State
		text    string
	}{
		"just in time": {health.Silence{Last: now.Add(-48 * time.Hour)}, tripletex.Active, health.OK, "1 of 1 active"},
		"too long": {
			health.Silence{Last: now.Add(-49*time.Hour - 30*time.Minute)},
			tripletex.Active, health.Warning,
			"1 of 1 active; order.* silent for 49h30m",
		},
		"from the future": {health.Silence{Last: now.Add(time.Hour)}, tripletex.Active, health.OK, "1 of 1 active"},
		"never":           {health.Silence{}, tripletex.Active, health.Warning, "1 of 1 active; order.* silent, with no delivery stored"},
		"a broken journal": {
			health.Silence{Err: errors.New("damaged")}, tripletex.Active, health.Unknown, "1 of 1 active; order.* not known: damaged",
		},
		"worse than that": {
			health.Silence{}, tripletex.DisabledMisuse, health.Critical, "1 of 1 not active; order.* silent, with no delivery stored",
		},
	} {
		report := health.Check(health.Input{Subscriptions: subscriptions(c.status)})
		c.silence.Event, c.silence.Limit = "order.*", 48*time.Hour
		report.AddSilences([]health.Silence{c.silence}, now)
		if report.State != c.state {
			t.Errorf("%s: State = %s, want %s", name, report.State, c.state)
		}
		if report.Summary != c.text {
			t.Errorf("%s: Summary = %q, want %q", name, report.Summary, c.text)
		}
	}
}

func TestSilenceDoesNotHideThatTripletexIsUnreachable(t *testing.T) {
	t.Parallel()
	report := health.Unreachable(health.Problem{Message: "no route"}, health.Unknown, 0)
	report.AddSilences([]health.Silence{{Event: "order.*", Limit: time.Hour}}, time.Now())
	if report.Summary != "no route" {
		t.Errorf("Summary = %q, want %q", report.Summary, "no route")
	}
}
