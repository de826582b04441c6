package health_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// post records notifications and saved states, and fails on request.
type post struct {
	mu      sync.Mutex
	sent    []string
	refuse  func(t health.Transition, try int) bool
	tries   map[string]int
	file    []byte
	failed  []error
	running map[health.SubscriptionKey]int
	most    int
}

func (p *post) notifier(took time.Duration) *health.Notifier {
	p.tries, p.running = map[string]int{}, map[health.SubscriptionKey]int{}
	return &health.Notifier{
		Send: func(ctx context.Context, t health.Transition) error {
			name, subject := fmt.Sprintf("%d %s", t.ID, t.NewStatus), health.SubscriptionKey{Profile: t.Profile, CompanyID: t.CompanyID, ID: t.ID}
			p.mu.Lock()
			p.tries[name]++
			p.running[subject]++
			p.most = max(p.most, len(p.running))
			overlap, refused := p.running[subject] > 1, p.refuse != nil && p.refuse(t, p.tries[name])
			p.mu.Unlock()
			time.Sleep(took)
			p.mu.Lock()
			defer p.mu.Unlock()
			delete(p.running, subject)
			if overlap {
				p.sent = append(p.sent, "two at once for "+name)
			}
			if refused {
				return errors.New("refused")
			}
			p.sent = append(p.sent, name)
			return ctx.Err()
		},
		Save: func(m health.WatchState) error {
			raw, err := json.Marshal(m)
			p.mu.Lock()
			p.file = raw
			p.mu.Unlock()
			return err
		},
		Failed: func(_ health.Transition, err error) { p.failed = append(p.failed, err) },
	}
}

// list returns the notifications sent so far.
func (p *post) list() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.sent, ", ")
}

func (p *post) remembered(t *testing.T) health.WatchState {
	t.Helper()
	var m health.WatchState
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := json.Unmarshal(p.file, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func change(id int64, to tripletex.Status) health.Transition {
	return health.Transition{Kind: health.Changed, ID: id, NewStatus: to, Time: time.Unix(0, 0).UTC()}
}

// run starts a notifier and returns the function that stops it.
func start(t *testing.T, n *health.Notifier, pending ...health.Transition) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	n.Start(health.WatchState{Pending: pending})
	ended := make(chan struct{})
	go func() {
		n.Run(ctx)
		close(ended)
	}()
	return func() {
		cancel()
		<-ended
	}
}

func TestNotificationIsRetriedUntilAccepted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &post{refuse: func(t health.Transition, try int) bool { return t.ID == 1 && t.NewStatus == "A" && try <= 3 }}
		n := p.notifier(time.Second)
		stop := start(t, n)
		defer stop()
		n.Add([]health.Transition{change(1, "A"), change(1, "B"), change(2, "C")}, nil)
		time.Sleep(4 * time.Second)
		switch got := p.list(); {
		case got != "2 C":
			t.Errorf("after 4 s: got = %q, want %q", got, "2 C")
		case n.Pending() == 0:
			t.Error("after 4 s: n.Pending() = 0")
		}
		time.Sleep(time.Minute)
		// The order of one subscription holds, and the failing one does not hold up another.
		switch got := p.list(); {
		case got != "2 C, 1 A, 1 B":
			t.Errorf("after another minute: got = %q, want %q", got, "2 C, 1 A, 1 B")
		case n.Pending() != 0:
			t.Errorf("after another minute: n.Pending() = %v, want 0", n.Pending())
		}
		if len(p.remembered(t).Pending) != 0 {
			t.Error("what was sent is still remembered")
		}
	})
}

// IDs of different logins may be equal; failing notifications for one company do not delay another.
func TestNotifierDistinguishesCompanies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &post{refuse: func(t health.Transition, _ int) bool { return t.Profile == "acme" }}
		n := p.notifier(0)
		stop := start(t, n)
		defer stop()
		one, other := change(1, "A"), change(1, "B")
		one.Profile, other.Profile = "acme", "nord"
		n.Add([]health.Transition{one, other}, map[health.SubscriptionKey]health.Seen{{Profile: "acme", ID: 1}: {}, {Profile: "nord", ID: 1}: {}})
		time.Sleep(time.Second)
		switch m := p.remembered(t); {
		case p.list() != "1 B":
			t.Errorf("p.list() = %q, want %q", p.list(), "1 B")
		case len(m.Pending) != 1:
			t.Errorf("len(m.Pending) = %v, want 1", len(m.Pending))
		case len(m.Known) != 2:
			t.Errorf("len(m.Known) = %v, want 2", len(m.Known))
		}
	})
}

func TestNotificationSurvivesARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &post{refuse: func(health.Transition, int) bool { return true }}
		n := p.notifier(0)
		stop := start(t, n)
		n.Add([]health.Transition{change(1, "A")}, map[health.SubscriptionKey]health.Seen{{ID: 1}: {Status: "A"}})
		switch m := p.remembered(t); {
		case len(m.Pending) != 1:
			t.Errorf("len(m.Pending) = %v, want 1", len(m.Pending))
		case m.Known[health.SubscriptionKey{ID: 1}].Status != "A":
			t.Errorf("m.Known[health.SubscriptionKey{ID: 1}].Status = %q, want %q", m.Known[health.SubscriptionKey{ID: 1}].Status, "A")
		}
		time.Sleep(time.Second)
		stop()
		again := &post{}
		stop = start(t, again.notifier(0), p.remembered(t).Pending...)
		defer stop()
		time.Sleep(time.Second)
		if got := again.list(); got != "1 A" {
			t.Errorf("after the restart %q was sent", got)
		}
	})
}

func TestNotifierLimitsParallelNotifications(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &post{}
		n := p.notifier(10 * time.Second)
		stop := start(t, n)
		defer stop()
		var all []health.Transition
		for id := range int64(20) {
			all = append(all, change(id, "A"), change(id, "B"))
		}
		n.Add(all, nil)
		time.Sleep(99 * time.Second)
		early := strings.Count(p.list(), "A") + strings.Count(p.list(), "B")
		time.Sleep(2 * time.Second)
		p.mu.Lock()
		defer p.mu.Unlock()
		if early >= 40 {
			t.Errorf("%d sent within 99 s, %d at once", early, p.most)
		}
		if p.most != 4 {
			t.Errorf("p.most = %v, want 4", p.most)
		}
		switch {
		case len(p.sent) != 40:
			t.Errorf("len(p.sent) = %v, want 40", len(p.sent))
		case slices.ContainsFunc(p.sent, func(s string) bool { return strings.HasPrefix(s, "two") }):
			t.Errorf("%d sent: %v", len(p.sent), p.sent)
		}
	})
}

// A stopped watch waits for the notifications in flight.
func TestNotifierWaitsForNotificationsInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &post{}
		n := p.notifier(3 * time.Second)
		stop := start(t, n)
		n.Add([]health.Transition{change(1, "A"), change(1, "B")}, nil)
		time.Sleep(time.Second)
		stop()
		if got := p.list(); got != "1 A" {
			t.Errorf("%q was sent; want what had begun and no more", got)
		}
	})
}

func TestNotifierDropsTheOldestAboveTheLimit(t *testing.T) {
	t.Parallel()
	p := &post{}
	n := p.notifier(0)
	n.Start(health.WatchState{})
	var all []health.Transition
	for id := range int64(1010) {
		all = append(all, change(id, "A"))
	}
	n.Add(all, nil)
	switch m := p.remembered(t); {
	case len(m.Pending) != 1000:
		t.Errorf("len(m.Pending) = %v, want 1000", len(m.Pending))
	case m.Pending[0].ID != 10:
		t.Errorf("m.Pending[0].ID = %v, want 10", m.Pending[0].ID)
	case len(p.failed) != 10:
		t.Errorf("len(p.failed) = %v, want 10", len(p.failed))
	case !errors.Is(p.failed[0], health.ErrDropped):
		t.Errorf("p.failed[0] = %v, want %v", p.failed[0], health.ErrDropped)
	}
}

func TestNotifierReportsAnUnwritableStateFile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &post{}
		n := p.notifier(0)
		full := errors.New("no space left on device")
		n.Save = func(health.WatchState) error { return full }
		stop := start(t, n)
		n.Add([]health.Transition{change(1, "A")}, nil)
		time.Sleep(time.Second)
		stop()
		switch {
		case len(p.failed) == 0:
			t.Error("len(p.failed) = 0")
		case !errors.Is(p.failed[0], full):
			t.Errorf("p.failed[0] = %v, want %v", p.failed[0], full)
		case p.list() != "1 A":
			t.Errorf("p.list() = %q, want %q", p.list(), "1 A")
		}
	})
}

// The state is written only after a change.
func TestNotifierSavesOnlyChanges(t *testing.T) {
	t.Parallel()
	p := &post{}
	n := p.notifier(0)
	n.Start(health.WatchState{})
	saves := 0
	save := n.Save
	n.Save = func(m health.WatchState) error {
		saves++
		return save(m)
	}
	known := map[health.SubscriptionKey]health.Seen{{ID: 1}: {Status: "ACTIVE"}}
	for range 10 {
		n.Add(nil, known)
	}
	if saves != 1 {
		t.Errorf("%d times written", saves)
	}
}

// The watch may change its map while the notifier saves its own copy.
func TestNotifierCopiesTheBaseline(t *testing.T) {
	t.Parallel()
	saved := 0
	n := &health.Notifier{Save: func(health.WatchState) error { saved++; return nil }}
	known := map[health.SubscriptionKey]health.Seen{}
	n.Start(health.WatchState{Known: known})
	known[health.SubscriptionKey{ID: 1}] = health.Seen{Event: "order.create"}
	if n.Add(nil, known); saved != 1 {
		t.Errorf("it was saved %d times, want once", saved)
	}
}
