package manifest_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// slowEvents answers the list of events after a second.
type slowEvents struct {
	status int
	asked  atomic.Int64
}

func (s *slowEvents) RoundTrip(*http.Request) (*http.Response, error) {
	s.asked.Add(1)
	time.Sleep(time.Second)
	body := `{"value":{"order.create":{"description":"x"}}}`
	return &http.Response{
		StatusCode: s.status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)),
	}, nil
}

// Companies that are planned at the same time share one request for the events, whether it succeeds or fails.
func TestEventsAreRequestedOnceForAllCompanies(t *testing.T) {
	t.Parallel()
	for status, requests := range map[int]int64{http.StatusOK: 1, http.StatusForbidden: 2} {
		synctest.Test(t, func(t *testing.T) {
			api, events := &slowEvents{status: status}, manifest.Events{}
			client := newClient(t, api)
			start := time.Now()
			for range 2 {
				var all sync.WaitGroup
				for range 100 {
					all.Go(func() {
						known, err := events.List(t.Context(), client)
						if failed := err != nil; failed != (status != http.StatusOK) {
							t.Errorf("%d: %d events, %v", status, len(known), err)
						}
					})
				}
				all.Wait()
			}
			if got := api.asked.Load(); got != requests {
				t.Errorf("%d: %d requests, want %d", status, got, requests)
			}
			if took, want := time.Since(start), time.Duration(requests)*time.Second; took != want {
				t.Errorf("%d: took %s, want %s", status, took, want)
			}
		})
	}
}

// slowFor delays the requests to one host by a minute, or until their context ends, and refuses its connections then.
type slowFor string

func (s slowFor) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Host != string(s) {
		return (&slowEvents{status: http.StatusOK}).RoundTrip(request)
	}
	select {
	case <-time.After(time.Minute):
		return nil, syscall.ECONNREFUSED
	case <-request.Context().Done():
		return nil, request.Context().Err()
	}
}

// The failure of one server does not fail the companies of another.
func TestEventsOfAnotherServerAreRequested(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		events := manifest.Events{}
		var all sync.WaitGroup
		for _, host := range []string{"dead.example.no", "alive.example.no"} {
			client, err := tripletex.New(tripletex.Options{BaseURL: "https://" + host, Transport: slowFor("dead.example.no")})
			if err != nil {
				t.Fatal(err)
			}
			all.Go(func() {
				if _, err := events.List(t.Context(), client); (err != nil) != (host == "dead.example.no") {
					t.Errorf("%s: %v", host, err)
				}
			})
			synctest.Wait()
		}
		all.Wait()
	})
}

// The deadline of the company that sent the request does not fail the companies that wait for it.
func TestEventsAreRequestedAgainAfterADeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api, events := &slowEvents{status: http.StatusOK}, manifest.Events{}
		client := newClient(t, untilDone{api})
		short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := events.List(short, client); err == nil {
				t.Error("no error after the deadline")
			}
		})
		synctest.Wait()
		for range 10 {
			all.Go(func() {
				known, err := events.List(t.Context(), client)
				if err != nil {
					t.Error(err)
				}
				if len(known) == 0 {
					t.Error("no events")
				}
			})
		}
		all.Wait()
		if got := api.asked.Load(); got != 2 {
			t.Errorf("%d requests, want 2", got)
		}
	})
}

// untilDone returns the error of the context if it ends during the request.
type untilDone struct{ next http.RoundTripper }

func (u untilDone) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := u.next.RoundTrip(request)
	if ended := request.Context().Err(); ended != nil {
		return nil, ended
	}
	return response, err
}
