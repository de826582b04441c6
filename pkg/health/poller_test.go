package health_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// service is a sandbox that counts what it is asked, and how it answered.
type service struct {
	store                sandbox.Store
	next                 http.RoundTripper
	lists, same, limited atomic.Int64
}

func (s *service) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := s.next.RoundTrip(r)
	if err == nil && response.StatusCode == http.StatusTooManyRequests {
		s.limited.Add(1)
	}
	if r.URL.Path == "/v2/event/subscription" {
		s.lists.Add(1)
		if err == nil && response.StatusCode == http.StatusNotModified {
			s.same.Add(1)
		}
	}
	return response, err
}

func newSource(t *testing.T, o sandbox.Options) (*health.Poller, *service) {
	t.Helper()
	s := &service{store: sandbox.NewMemory(o)}
	s.next = sandbox.New(s.store)
	tokens := tripletex.Credentials{ConsumerToken: sandbox.ConsumerToken, EmployeeToken: sandbox.EmployeeToken}
	client, err := tripletex.New(tripletex.Options{BaseURL: "http://localhost/v2", Credentials: tokens.Get, Transport: s})
	if err != nil {
		t.Fatal(err)
	}
	return &health.Poller{Client: client}, s
}

func options(subscriptions int) sandbox.Options {
	o := sandbox.DefaultOptions()
	o.Subscriptions = subscriptions
	return o
}

func (s *service) change(t *testing.T, change func(*sandbox.State)) {
	t.Helper()
	if err := s.store.Update(t.Context(), func(state *sandbox.State) error {
		change(state)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// A look is one request; where nothing changed it is one without a body.
func TestPollCostsOneRequestAndA304WithoutChanges(t *testing.T) {
	t.Parallel()
	source, s := newSource(t, options(3))
	for range 3 {
		look, err := source.Poll(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(look.Subscriptions) != 3 {
			t.Fatalf("len(look.Subscriptions) = %v, want 3", len(look.Subscriptions))
		}
	}
	if s.lists.Load() != 3 {
		t.Errorf("s.lists.Load() = %v, want 3", s.lists.Load())
	}
	if s.same.Load() != 2 {
		t.Errorf("s.same.Load() = %v, want 2", s.same.Load())
	}
	s.change(t, func(state *sandbox.State) { state.SwitchOff(1, "DISABLED_MISUSE") })
	look, err := source.Poll(t.Context())
	switch {
	case err != nil:
		t.Error(err)
	case look.Subscriptions[0].Status != tripletex.DisabledMisuse:
		t.Errorf("look.Subscriptions[0].Status = %v, want %v", look.Subscriptions[0].Status, tripletex.DisabledMisuse)
	}
}

func TestPollSelects(t *testing.T) {
	t.Parallel()
	source, _ := newSource(t, options(5))
	source.Filter = match.Filter{IDs: []int64{4711, 4713, 1}}
	look, err := source.Poll(t.Context())
	switch {
	case err != nil:
		t.Error(err)
	case len(look.Subscriptions) != 2:
		t.Errorf("len(look.Subscriptions) = %v, want 2", len(look.Subscriptions))
	case len(look.Absent) != 1:
		t.Errorf("len(look.Absent) = %v, want 1", len(look.Absent))
	case look.Absent[0] != 1:
		t.Errorf("look.Absent[0] = %v, want 1", look.Absent[0])
	}
}

// While less than a tenth of the rate limit is left, watching waits for the next period: the rest is for others.
func TestWatchYieldsToTheRateLimit(t *testing.T) {
	t.Parallel()
	for remaining, slow := range map[int]bool{10: false, 8: true} {
		synctest.Test(t, func(t *testing.T) {
			o := options(1)
			o.RateLimit = sandbox.RateLimit{Requests: 100, Period: time.Hour}
			w, _ := newWatchOf(t, o)
			w.Interval = 10 * time.Second
			source := health.Poller{Client: w.Logins[0].Client}
			if _, err := source.Poll(t.Context()); err != nil {
				t.Fatal(err)
			}
			for limit, _ := source.Client.RateLimit(); limit.Remaining > remaining+1; limit, _ = source.Client.RateLimit() {
				if _, err := source.Poll(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			start, looks := time.Now(), 0
			for n := range w.Updates(t.Context()) {
				if n.Err != nil {
					t.Fatal(n.Err)
				}
				if looks++; looks == 2 {
					break
				}
			}
			if waited := time.Since(start); (waited > 30*time.Minute) != slow {
				t.Errorf("with %d requests left it waited %s", remaining, waited)
			}
		})
	}
}

// A look that fails is said, and the next one comes all the same.
func TestWatchGoesOnAfterAFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, s := newWatch(t, 1)
		s.change(t, func(state *sandbox.State) {
			state.ChangeFaults(false, sandbox.Fault{Kind: "hang", Count: 1, Path: "/event/subscription"})
		})
		var errs []error
		for n := range w.Updates(t.Context()) {
			if errs = append(errs, n.Err); len(errs) == 2 {
				break
			}
		}
		switch {
		case tripletex.KindOf(errs[0]) != tripletex.Timeout:
			t.Errorf("%v; want a time-out and then a look", errs)
		case errs[1] != nil:
			t.Errorf("errs[1] = %v, want nil", errs[1])
		}
	})
}
