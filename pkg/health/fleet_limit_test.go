package health_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
)

// A round respects the rate limit of the login: no request gets a 429, and a slow round is reported.
func TestRoundRespectsTheRateLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, 50, options(0))
		o.change(t, func(state *sandbox.State) {
			state.RateLimit = sandbox.RateLimit{Requests: 20, Period: 10 * time.Second}
		})
		time.Sleep(time.Minute) // of fake time: the limit that the setup used has reset
		if _, err := (&health.Poller{Client: o.watch.Logins[0].Client}).Poll(t.Context()); err != nil {
			t.Fatal(err)
		}
		o.watch.Interval = 5 * time.Second
		reported := o.follow(t, func(round int, n health.Update) bool {
			if n.Slow < 20*time.Second {
				t.Errorf("round %d: 50 companies at 18 in 10 s took %s", round, n.Slow)
			}
			return round < 3
		})
		if reported != "" {
			t.Errorf("reported = %q, want %q", reported, "")
		}
		if o.limited.Load() != 0 {
			t.Errorf("o.limited.Load() = %v, want 0", o.limited.Load())
		}
	})
}

// The subscriptions of a removed company are reported as disappeared, also if a change must last before it is reported.
func TestRemovedCompanyIsReportedAfterTheDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, 2, options(0))
		o.watch.For = 5 * time.Minute
		start := time.Now()
		reported := o.follow(t, func(int, health.Update) bool {
			o.companies = []int64{2002}
			return time.Since(start) < 30*time.Minute
		})
		if want := "Kunde 2001 (2001) removed, 2001 disappeared "; reported != want {
			t.Errorf("%q, want %q", reported, want)
		}
	})
}

// A company is not unreachable because another client has used up the rate limit.
func TestRefusedPollIsRepeatedInTheNextPeriod(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, 1, options(0))
		o.change(t, func(state *sandbox.State) { state.RateLimit = sandbox.RateLimit{Requests: 10, Period: time.Hour} })
		time.Sleep(2 * time.Hour)
		if _, err := (&health.Poller{Client: o.watch.Logins[0].Client}).Poll(t.Context()); err != nil { // it learns the end of the period
			t.Fatal(err)
		}
		o.useUp(t)
		reported := o.follow(t, func(_ int, n health.Update) bool {
			if n.Unreachable != 0 {
				t.Errorf("%d companies are unreachable: %v", n.Unreachable, n.Err)
			}
			return false
		})
		if reported != "" {
			t.Errorf("reported = %q, want nothing", reported)
		}
		if o.limited.Load() < 2 {
			t.Error("no poll of the watch was refused")
		}
	})
}
