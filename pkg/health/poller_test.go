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

// service is a sandbox that counts requests and responses.
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

// A poll is one request, answered without a body if nothing has changed.
func TestPollCostsOneRequestAndA304WithoutChanges(t *testing.T) {
	t.Parallel()
	source, s := newSource(t, options(3))
	for range 3 {
		poll, err := source.Poll(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(poll.Subscriptions) != 3 {
			t.Fatalf("len(poll.Subscriptions) = %v, want 3", len(poll.Subscriptions))
		}
	}
	if s.lists.Load() != 3 {
		t.Errorf("s.lists.Load() = %v, want 3", s.lists.Load())
	}
	if s.same.Load() != 2 {
		t.Errorf("s.same.Load() = %v, want 2", s.same.Load())
	}
	s.change(t, func(state *sandbox.State) { state.Disable(1, "DISABLED_MISUSE") })
	poll, err := source.Poll(t.Context())
	switch {
	case err != nil:
		t.Error(err)
	case poll.Subscriptions[0].Status != tripletex.DisabledMisuse:
		t.Errorf("poll.Subscriptions[0].Status = %v, want %v", poll.Subscriptions[0].Status, tripletex.DisabledMisuse)
	}
}

func TestPollAppliesTheFilter(t *testing.T) {
	t.Parallel()
	source, _ := newSource(t, options(5))
	source.Filter = match.Filter{IDs: []int64{4711, 4713, 1}}
	poll, err := source.Poll(t.Context())
	switch {
	case err != nil:
		t.Error(err)
	case len(poll.Subscriptions) != 2:
		t.Errorf("len(poll.Subscriptions) = %v, want 2", len(poll.Subscriptions))
	case len(poll.Absent) != 1:
		t.Errorf("len(poll.Absent) = %v, want 1", len(poll.Absent))
	case poll.Absent[0] != 1:
		t.Errorf("poll.Absent[0] = %v, want 1", poll.Absent[0])
	}
}

// While less than a tenth of the rate limit is left, a watch waits for the next period.
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
			start, polls := time.Now(), 0
			for n := range w.Updates(t.Context()) {
				if n.Err != nil {
					t.Fatal(n.Err)
				}
				if polls++; polls == 2 {
					break
				}
			}
			if waited := time.Since(start); (waited > 30*time.Minute) != slow {
				t.Errorf("with %d requests left it waited %s", remaining, waited)
			}
		})
	}
}

// A failed poll is reported, and polling continues.
func TestWatchContinuesAfterAFailure(t *testing.T) {
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
			t.Errorf("%v; want a timeout and then an observation", errs)
		case errs[1] != nil:
			t.Errorf("errs[1] = %v, want nil", errs[1])
		}
	})
}
