package exporter_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlxhook/tlxhook/pkg/exporter"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// service is a sandbox that counts requests, with an exporter.
type service struct {
	*exporter.Exporter
	store       sandbox.Store
	next        http.RoundTripper
	lists, same atomic.Int64
	openError   error

	mu     sync.Mutex
	logged []string
}

func (s *service) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := s.next.RoundTrip(r)
	if r.URL.Path == "/v2/event/subscription" {
		s.lists.Add(1)
		if err == nil && response.StatusCode == http.StatusNotModified {
			s.same.Add(1)
		}
	}
	return response, err
}

func (s *service) log(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logged = append(s.logged, fmt.Sprintf(format, args...))
}

// acme and the next function return the targets of the tests.
func targets() ([]exporter.Target, error) {
	return []exporter.Target{
		{Name: "acme", Company: "acme", CompanyName: `Acme "A|S"`, BaseURL: tripletex.Production},
		{Name: "bolt", Company: "bolt"},
	}, nil
}

// newService returns an exporter over a sandbox with subscriptions. Change may be nil.
func newService(t testing.TB, subscriptions int, change func(*exporter.Options)) *service {
	t.Helper()
	o := sandbox.DefaultOptions()
	o.Subscriptions = subscriptions
	s := &service{store: sandbox.NewMemory(o)}
	s.next = sandbox.New(s.store)
	calls := exporter.NewCalls()
	all, _ := targets()
	options := exporter.Options{
		Metrics: exporter.NewMetrics(exporter.Build{Version: "1.2.3"}, calls.Collect),
		Own:     all[0], Targets: targets, MinInterval: 15 * time.Second, MaxSeries: 2000, Log: s.log,
		Ready: func(context.Context) error { return s.openError },
		Open: func(_ context.Context, target exporter.Target) (*tripletex.Client, error) {
			if s.openError != nil {
				return nil, s.openError
			}
			tokens := tripletex.Credentials{ConsumerToken: sandbox.ConsumerToken, EmployeeToken: sandbox.EmployeeToken}
			of := tripletex.Options{BaseURL: "http://localhost/v2", Credentials: tokens.Get, Transport: s}
			calls.Count(target.Company, &of)
			return tripletex.New(of)
		},
	}
	if change != nil {
		change(&options)
	}
	s.Exporter = exporter.New(options)
	return s
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

func (s *service) fault(t *testing.T, f sandbox.Fault) {
	t.Helper()
	s.change(t, func(state *sandbox.State) { state.ChangeFaults(true, f) })
}

// get requests a page with headers given as names and values.
func (s *service) get(t testing.TB, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody)
	for pair := range slices.Chunk(headers, 2) {
		request.Header.Add(pair[0], pair[1])
	}
	recorder := httptest.NewRecorder()
	s.ServeHTTP(recorder, request)
	return recorder
}

// value returns the only sample whose name and labels contain a text.
func value(t testing.TB, page, sample string) string {
	t.Helper()
	var found []string
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, sample) {
			found = append(found, strings.TrimSpace(line[strings.LastIndexByte(line, ' '):]))
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d samples of %s, want 1, in\n%s", len(found), sample, page)
	}
	return found[0]
}

func wantValues(t testing.TB, page string, want map[string]string) {
	t.Helper()
	for sample, is := range want {
		if got := value(t, page, sample); got != is {
			t.Errorf("%s is %s, want %s", sample, got, is)
		}
	}
}

const (
	up      = `tlxhook_up{company="acme"}`
	timeout = `tlxhook_scrape_failure{company="acme",reason="timeout"}`
	active  = `tlxhook_subscriptions{company="acme",status="ACTIVE"}`
	age     = `tlxhook_scrape_cache_age_seconds{company="acme"}`
	paused  = `tlxhook_polling_paused{company="acme"}`
)

// 100 concurrent scrapes of a service that takes five seconds share one listing.
func TestConcurrentScrapesShareOneListing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, 3, nil)
		s.fault(t, sandbox.Fault{Kind: "slow", Path: "/event/subscription", Delay: 5 * time.Second})
		start := time.Now()
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				page := s.get(t, []string{"/metrics", "/probe?target=acme"}[i%2]).Body.String()
				wantValues(t, page, map[string]string{up: "1", active: "3"})
			})
		}
		all.Wait()
		switch took := time.Since(start); {
		case s.lists.Load() != 1:
			t.Errorf("s.lists.Load() = %v, want 1", s.lists.Load())
		case took < 5*time.Second:
			t.Errorf("took = %v, want at least %v", took, 5*time.Second)
		case took > 6*time.Second:
			t.Errorf("took = %v, want at most %v", took, 6*time.Second)
		}
	})
}

// A scrape responds before the timeout of Prometheus, for any value of the timeout header.
func TestScrapeEndsBeforeItsTimeout(t *testing.T) {
	t.Parallel()
	for logged, want := range map[string]time.Duration{
		"2": 1500 * time.Millisecond, "0.4": 200 * time.Millisecond, "": 9500 * time.Millisecond, "-1": 9500 * time.Millisecond,
		"NaN": 9500 * time.Millisecond, "+Inf": 9500 * time.Millisecond, "1e300": 30 * time.Second, "x": 9500 * time.Millisecond,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newService(t, 1, nil)
			s.fault(t, sandbox.Fault{Kind: "hang"})
			start := time.Now()
			page := s.get(t, "/metrics", "X-Prometheus-Scrape-Timeout-Seconds", logged).Body.String()
			wantValues(t, page, map[string]string{up: "0", timeout: "1"})
			if took := time.Since(start); took != want {
				t.Errorf("with %q it took %s, want %s", logged, took, want)
			}
			time.Sleep(time.Minute) // the listing gives up too
		})
	}
}

// A response that is too late for one scrape serves the next.
func TestLateResponseServesTheNextScrape(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, 3, nil)
		s.fault(t, sandbox.Fault{Kind: "slow", Path: "/event/subscription", Delay: 12 * time.Second})
		wantValues(t, s.get(t, "/metrics").Body.String(), map[string]string{up: "0", timeout: "1"})
		time.Sleep(10 * time.Second)
		wantValues(t, s.get(t, "/metrics").Body.String(), map[string]string{up: "1", active: "3", age: "7.5"})
		if s.lists.Load() != 1 {
			t.Errorf("%d listings, want 1", s.lists.Load())
		}
	})
}

// A canceled scrape does not affect the others.
func TestCanceledScrapeDoesNotEndTheListing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, 3, nil)
		s.fault(t, sandbox.Fault{Kind: "slow", Path: "/event/subscription", Delay: 5 * time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics", http.NoBody))
		time.Sleep(2 * time.Second)
		wantValues(t, s.get(t, "/metrics").Body.String(), map[string]string{up: "1", active: "3"})
		if s.lists.Load() != 1 {
			t.Errorf("%d listings, want 1", s.lists.Load())
		}
	})
}

// A listing is cached for the minimum interval. The next request is answered with 304 if nothing has changed.
func TestListingIsCachedForTheMinimumInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, 3, nil)
		s.get(t, "/metrics")
		time.Sleep(14 * time.Second)
		wantValues(t, s.get(t, "/metrics").Body.String(), map[string]string{up: "1", age: "14"})
		if s.lists.Load() != 1 {
			t.Errorf("%d listings in 14 s, want 1", s.lists.Load())
		}
		time.Sleep(2 * time.Second)
		wantValues(t, s.get(t, "/metrics").Body.String(), map[string]string{up: "1", active: "3", age: "0"})
		if s.lists.Load() != 2 {
			t.Errorf("s.lists.Load() = %v, want 2", s.lists.Load())
		}
		if s.same.Load() != 1 {
			t.Errorf("s.same.Load() = %v, want 1", s.same.Load())
		}
	})
}

// Polling pauses below a tenth of the rate limit until the end of the period.
func TestPollingKeepsTheRateLimitReserve(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, 3, func(o *exporter.Options) { o.MinInterval = 0 })
		s.change(t, func(state *sandbox.State) { state.RateLimit = sandbox.RateLimit{Requests: 20, Period: time.Minute} })
		for range 50 {
			s.get(t, "/metrics")
			time.Sleep(time.Second / 10)
		}
		page := s.get(t, "/metrics").Body.String()
		wantValues(t, page, map[string]string{up: "1", paused: "1", `tlxhook_rate_limit_remaining{company="acme"}`: "1"})
		requests := s.lists.Load()
		time.Sleep(time.Minute)
		wantValues(t, s.get(t, "/metrics").Body.String(), map[string]string{up: "1", paused: "0"})
		if requests != 18 { // and one request made the session
			t.Errorf("%d listings, want 18", requests)
		}
		if got := s.lists.Load(); got != 19 {
			t.Errorf("%d listings after the period, want 19", got)
		}
	})
}

// The time of a status is kept while the status lasts and dropped with the subscription.
func TestStatusChangeHasATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, 2, nil)
		const first = `tlxhook_subscription_status_changed_timestamp_seconds{company="acme",subscription_id="4711"`
		const second = `tlxhook_subscription_status_changed_timestamp_seconds{company="acme",subscription_id="4712"`
		start := s.get(t, "/metrics").Body.String()
		time.Sleep(time.Hour)
		s.change(t, func(state *sandbox.State) { state.Disable(1, "DISABLED_TOO_MANY_ERRORS") })
		broken := s.get(t, "/metrics").Body.String()
		if value(t, start, second) != value(t, broken, second) {
			t.Error("the time of the one that changed must move, and no other:\n" + broken)
		}
		if value(t, start, first) == value(t, broken, first) {
			t.Error("the time of the one that changed must move, and no other:\n" + broken)
		}
		time.Sleep(time.Hour)
		if later := s.get(t, "/metrics").Body.String(); value(t, later, first) != value(t, broken, first) {
			t.Error("it moved without a change:\n" + later)
		}
	})
}

func TestSubscriptionsAboveTheLimitHaveNoSeries(t *testing.T) {
	t.Parallel()
	const dropped = `tlxhook_subscription_series_dropped{company="acme"}`
	for _, test := range []struct{ there, most, status, dropped int }{
		{2000, 2000, 12000, 0}, {2001, 2000, 0, 2001}, {3, 0, 0, 3}, {2001, 1 << 30, 12006, 0},
	} {
		s := newService(t, test.there, func(o *exporter.Options) { o.MaxSeries = test.most })
		page := s.get(t, "/metrics").Body.String()
		wantValues(t, page, map[string]string{active: strconv.Itoa(test.there), dropped: strconv.Itoa(test.dropped)})
		if n := strings.Count(page, "tlxhook_subscription_status{"); n != test.status {
			t.Errorf("%d series for %d subscriptions, want %d", n, test.there, test.status)
		}
	}
}

// The exporter accepts only GET and HEAD.
func TestOnlyReadMethodsAreAllowed(t *testing.T) {
	t.Parallel()
	s := newService(t, 1, nil)
	for _, path := range []string{"/", "/metrics", "/probe?target=acme", "/sd", "/-/healthy", "/-/ready"} {
		for method, want := range map[string]int{http.MethodGet: 200, http.MethodHead: 200, http.MethodPost: 405, http.MethodDelete: 405} {
			recorder := httptest.NewRecorder()
			s.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), method, path, http.NoBody))
			if recorder.Code != want {
				t.Errorf("%s %s gave %d, want %d", method, path, recorder.Code, want)
			}
		}
	}
}
