package health_test

import (
	"math"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func TestStateOfEachStatus(t *testing.T) {
	t.Parallel()
	lenient := health.Rules{Disabled: health.OK}
	for status, want := range map[tripletex.Status]health.State{
		"ACTIVE": health.OK, "DISABLED": health.Warning, "DISABLED_TOO_MANY_ERRORS": health.Critical,
		"DISABLED_RATE_LIMIT_EXCEEDED": health.Critical, "DISABLED_MISUSE": health.Critical, "DISABLED_BY_MOON": health.Critical,
		"": health.Unknown, "ON_HOLD": health.Unknown, "active": health.Unknown, "ACTIVE\t": health.Unknown, "DISABLEDX": health.Unknown,
	} {
		if got := (health.Rules{}).StateOf(status); got != want {
			t.Errorf("%q is %s, want %s", status, got, want)
		}
		if got := lenient.StateOf(status); status == "DISABLED" && got != health.OK {
			t.Errorf("DISABLED is %s where OK was chosen", got)
		}
	}
}

func TestWorstIsCriticalThenWarningThenUnknown(t *testing.T) {
	t.Parallel()
	order := []health.State{health.OK, health.Unknown, health.Warning, health.Critical}
	for i, worse := range order {
		for j, better := range order[:i+1] {
			if health.Worst(worse, better) != worse {
				t.Errorf("%d, %d: %s and %s", i, j, worse, better)
			}
			if health.Worst(better, worse) != worse {
				t.Errorf("%d, %d: %s and %s", i, j, worse, better)
			}
		}
	}
	if health.Worst() != health.OK {
		t.Error("nothing is wrong with nothing")
	}
	for i, s := range []health.State{health.OK, health.Warning, health.Critical, health.Unknown} {
		if s.ExitCode() != i {
			t.Errorf("%s exits with %d", s, s.ExitCode())
		}
	}
	if health.State("FINE").ExitCode() != 3 {
		t.Error("a state that does not exist must exit with 3")
	}
}

// The example table of the plugin guidelines, and cases that the guidelines leave open.
func TestRangeFollowsTheGuidelines(t *testing.T) {
	t.Parallel()
	inf := math.Inf(1)
	for text, test := range map[string]struct{ alerts, fine []float64 }{
		"10":     {[]float64{-1, 10.01, inf}, []float64{0, 10}},
		"10:":    {[]float64{9.99, -inf}, []float64{10, inf}},
		"~:10":   {[]float64{10.5}, []float64{-1e9, 10}},
		"10:20":  {[]float64{9, 21}, []float64{10, 20}},
		"@10:20": {[]float64{10, 15, 20}, []float64{9, 21}},
		"@10":    {[]float64{0, 10}, []float64{-1, 11}},
		":":      {[]float64{-1}, []float64{0, inf}},
		"~:":     {nil, []float64{-inf, 0, inf}},
		"-5:-1":  {[]float64{0, -6}, []float64{-3}},
		"0.5":    {[]float64{1}, []float64{0.5}},
	} {
		r, err := health.ParseRange(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		for _, v := range test.alerts {
			if !r.Alerts(v) {
				t.Errorf("%s: %v raises no alert", text, v)
			}
		}
		for _, v := range test.fine {
			if r.Alerts(v) {
				t.Errorf("%s: %v raises an alert", text, v)
			}
		}
	}
}

func TestInvalidRangeIsRejected(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "@", "x", "1:x", "20:10", "1:2:3", "~", "1e5", "NaN", "Inf", "1 ", "--1", "0x1", "@~", "1;2", "1|2"} {
		if _, err := health.ParseRange(text); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
	switch _, err := health.ParseRange("20:10"); {
	case err == nil:
		t.Error("no error")
	case err.Error() != `range "20:10": start is greater than end`:
		t.Errorf("err.Error() = %q, want %q", err.Error(), `range "20:10": start is greater than end`)
	}
}

func FuzzRange(f *testing.F) {
	for _, text := range []string{"10", "@~:5", "1:", "~:~", "@@1", "-:-"} {
		f.Add(text, 1.5)
	}
	f.Fuzz(func(t *testing.T, text string, value float64) {
		r, err := health.ParseRange(text)
		if err != nil || math.IsNaN(value) {
			return
		}
		inverted, err := health.ParseRange("@" + strings.TrimPrefix(text, "@"))
		switch {
		case err != nil:
			t.Error(err)
		case !strings.HasPrefix(text, "@") && inverted.Alerts(value) == r.Alerts(value):
			t.Errorf("%q and its inverse agree on %v (%v)", text, value, err)
		}
	})
}

func TestThresholdRequiresAKnownCount(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"active", "active=", "=1", "nothing=1", "ACTIVE=1", "active=x", ""} {
		if err := new(health.Thresholds).Set(health.Warning, text); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

func TestParseState(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"ok", "Warning", "CRITICAL", "unknown"} {
		switch s, err := health.ParseState(name); {
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case string(s) != strings.ToUpper(name):
			t.Errorf("%s: s = %v, want %v", name, string(s), strings.ToUpper(name))
		}
	}
	if _, err := health.ParseState("fine"); err == nil {
		t.Error("fine is no state")
	}
}
