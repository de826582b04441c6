package manifest_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlxhook/tlxhook/pkg/manifest"
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
