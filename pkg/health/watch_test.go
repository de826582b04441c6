package health_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func newWatch(t *testing.T, subscriptions int) (*health.Watch, *service) {
	t.Helper()
	return newWatchOf(t, options(subscriptions))
}

func newWatchOf(t *testing.T, o sandbox.Options) (*health.Watch, *service) {
	t.Helper()
	source, s := newSource(t, o)
	return &health.Watch{Logins: []fleet.Account{{Client: source.Client}}, Interval: 30 * time.Second}, s
}

// A week of polls every 30 seconds, with changes, failing notifications and an outage of one hour: at most one request
// per interval, nearly all answered with 304, and constant memory. Not parallel, as it measures the heap.
func TestMemoryIsConstantOverAWeek(t *testing.T) {
	if testing.Short() {
		t.Skip("not a unit test")
	}
	synctest.Test(t, func(t *testing.T) {
		w, s := newWatch(t, 5)
		p := &post{refuse: func(_ health.Transition, try int) bool { return try%2 == 1 }}
		n := p.notifier(time.Second)
		stop := start(t, n)
		ctx, cancel := context.WithTimeout(t.Context(), 7*24*time.Hour)
		defer cancel()
		polls, silent := 0, 0
		var early, late runtime.MemStats
		for news := range w.Updates(ctx) {
			polls++
			if news.Err != nil {
				silent++
			}
			n.Add(news.Transitions, news.Known)
			switch {
			case polls == 10000:
				s.change(t, func(state *sandbox.State) {
					state.ChangeFaults(false, sandbox.Fault{Kind: "server-error", Count: 600, Path: "/event/subscription"})
				})
			case polls%5000 == 1000:
				s.change(t, func(state *sandbox.State) { state.Disable(1, "DISABLED") })
			}
			if polls == 2000 {
				runtime.GC()
				runtime.ReadMemStats(&early)
			}
		}
		stop()
		runtime.GC()
		runtime.ReadMemStats(&late)
		switch {
		case polls < 17000:
			t.Errorf("polls = %v, want at least 17000", polls)
		case polls > 22500:
			t.Errorf("polls = %v, want at most 22500", polls)
		case silent < 50:
			t.Errorf("silent = %v, want at least 50", silent)
		case len(p.list()) == 0:
			t.Error("len(p.list()) = 0")
		case n.Pending() != 0:
			t.Errorf("n.Pending() = %v, want 0", n.Pending())
		}
		switch unchanged := s.same.Load(); {
		case s.lists.Load() > int64(polls)+700:
			t.Errorf("s.lists.Load() = %v, want at most %v", s.lists.Load(), int64(polls)+700)
		case unchanged < int64(polls)*9/10:
			t.Errorf("unchanged = %v, want at least %v", unchanged, int64(polls)*9/10)
		}
		t.Logf("heap after %d polls: %d kB, and %d kB after 2,000", polls, late.HeapAlloc>>10, early.HeapAlloc>>10)
		if late.HeapAlloc > early.HeapAlloc+1<<20 {
			t.Errorf("the heap grew from %d to %d bytes", early.HeapAlloc, late.HeapAlloc)
		}
	})
}

func TestUpdateReportsTheStartOfAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, s := newWatch(t, 1)
		polls := 0
		var since time.Time
		for n := range w.Updates(t.Context()) {
			polls++
			switch polls {
			case 1:
				if n.Err != nil {
					t.Fatalf("n.Err = %v, want nil", n.Err)
				}
				if !n.UnreachableSince.IsZero() {
					t.Fatalf("%+v", n)
				}
				if n.Report.State != health.OK {
					t.Fatalf("n.Report.State = %v, want %v", n.Report.State, health.OK)
				}
				s.change(t, func(state *sandbox.State) {
					state.ChangeFaults(false, sandbox.Fault{Kind: "hang", Count: 2, Path: "/event/subscription"})
				})
			case 2:
				since = n.UnreachableSince
				switch {
				case tripletex.KindOf(n.Err) != tripletex.Timeout:
					t.Errorf("%+v", n)
				case since.IsZero():
					t.Errorf("%+v", n)
				case n.Report != nil:
					t.Errorf("n.Report = %v, want nil", n.Report)
				case n.Meets(health.UntilActive):
					t.Errorf("%+v", n)
				}
			case 3:
				switch {
				case n.Err == nil:
					t.Error("n.Err = nil")
				case !n.UnreachableSince.Equal(since):
					t.Errorf("n.UnreachableSince = %v, want %v", n.UnreachableSince, since)
				}
			case 4:
				switch {
				case n.Err != nil:
					t.Errorf("n.Err = %v, want nil", n.Err)
				case !n.UnreachableSince.Equal(since):
					t.Errorf("n.UnreachableSince = %v, want %v", n.UnreachableSince, since)
				}
			case 5:
				if !n.UnreachableSince.IsZero() {
					t.Errorf("%+v", n)
				}
				return
			}
		}
	})
}

func TestUpdateReportsTheRateLimitPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := options(1)
		o.RateLimit = sandbox.RateLimit{Requests: 4, Period: time.Hour}
		w, _ := newWatchOf(t, o)
		w.Interval = time.Second
		begin, polls := time.Now(), 0
		for n := range w.Updates(t.Context()) {
			if polls++; !n.WaitingUntil.IsZero() {
				if n.WaitingUntil.Sub(begin) < 59*time.Minute {
					t.Errorf("it waits until %s after %s", n.WaitingUntil.Sub(begin), time.Since(begin))
				}
				break
			}
			if polls > 10 {
				t.Fatal("it never waits")
			}
		}
	})
}

func TestConditionsAreMet(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before, now     string
		active, changed bool
	}{
		"all active in the first poll": {"", "1=ACTIVE 2=ACTIVE", true, false},
		"unhealthy in the first poll":  {"", "1=ACTIVE 2=DISABLED", false, false},
		"one enabled":                  {"1=DISABLED", "1=ACTIVE", true, true},
		"one disabled":                 {"1=ACTIVE", "1=DISABLED", false, true},
		"unhealthy one deleted":        {"1=ACTIVE 2=DISABLED", "1=ACTIVE", true, true},
		"all deleted":                  {"1=ACTIVE", " ", false, true},
		"no change":                    {"1=DISABLED", "1=DISABLED", false, false},
	} {
		tracker := &health.Tracker{}
		if test.before != "" {
			tracker.Observe(time.Now(), seen(test.before))
		}
		n := health.Update{
			RoundDone:   true,
			Transitions: tracker.Observe(time.Now(), seen(test.now)), Known: map[health.SubscriptionKey]health.Seen{},
		}
		for id, seen := range tracker.Known {
			n.Known[health.SubscriptionKey{ID: id}] = seen
		}
		if got := n.Meets(health.UntilActive); got != test.active {
			t.Errorf("%s: active %v", name, got)
		}
		if got := n.Meets(health.UntilChanged); got != test.changed {
			t.Errorf("%s: changed %v", name, got)
		}
		if n.Meets("") {
			t.Errorf("%s: nothing was waited for", name)
		}
		if n.Unreachable = 1; n.Meets(health.UntilActive) {
			t.Errorf("%s: a company was unreachable", name)
		}
	}
}

func TestFlushWaitsForNotifications(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &post{refuse: func(tr health.Transition, try int) bool { return tr.ID == 1 && try == 1 || tr.ID == 2 }}
		n := p.notifier(time.Second)
		stop := start(t, n)
		defer stop()
		n.Add([]health.Transition{change(1, "A")}, nil)
		n.Flush(t.Context())
		if p.list() != "1 A" {
			t.Errorf("p.list() = %q, want %q", p.list(), "1 A")
		}
		if n.Pending() != 0 {
			t.Errorf("n.Pending() = %v, want 0", n.Pending())
		}
		n.Add([]health.Transition{change(2, "B")}, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		n.Flush(ctx)
		switch {
		case n.Pending() != 1:
			t.Errorf("n.Pending() = %v, want 1", n.Pending())
		case ctx.Err() == nil:
			t.Errorf("%d left; want it to end with the context", n.Pending())
		}
	})
}

// The state of an earlier process is kept if a notification is sent before the first poll.
func TestNotifierStoresTheBaseline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &post{}
		n := p.notifier(0)
		n.Start(health.WatchState{
			Known:   map[health.SubscriptionKey]health.Seen{{ID: 1}: {Status: "A"}},
			Pending: []health.Transition{change(1, "A")},
		})
		ctx, cancel := context.WithCancel(t.Context())
		go n.Run(ctx)
		time.Sleep(time.Second)
		cancel()
		synctest.Wait()
		switch m := p.remembered(t); {
		case len(m.Pending) != 0:
			t.Errorf("len(m.Pending) = %v, want 0", len(m.Pending))
		case m.Known[health.SubscriptionKey{ID: 1}].Status != "A":
			t.Errorf("m.Known[health.SubscriptionKey{ID: 1}].Status = %q, want %q", m.Known[health.SubscriptionKey{ID: 1}].Status, "A")
		}
	})
}

func TestTransitionIsOneSafeLine(t *testing.T) {
	t.Parallel()
	for want, one := range map[string]health.Transition{
		"7 order.create: ACTIVE -> DISABLED (h)": {
			Kind: health.Changed, ID: 7,
			Event: "order.create", OldStatus: "ACTIVE", NewStatus: "DISABLED", TargetHost: "h",
		},
		"7 order.create is DISABLED, company 9":  {Kind: health.Baseline, ID: 7, Event: "order.create", NewStatus: "DISABLED", CompanyID: 9},
		"7 order.create appeared: no status (h)": {Kind: health.Appeared, ID: 7, Event: "order.create", TargetHost: "h"},
		`7 a\u{a}b disappeared: \u{1b}[2J`:       {Kind: health.Disappeared, ID: 7, Event: "a\nb", OldStatus: "\x1b[2J"},
	} {
		if got := one.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
