package health

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// limited answers each request with a rate limit of 100 requests.
type limited int

func (remaining limited) RoundTrip(*http.Request) (*http.Response, error) {
	header := http.Header{"X-Rate-Limit-Limit": {"100"}, "X-Rate-Limit-Reset": {"60"}}
	header.Set("X-Rate-Limit-Remaining", strconv.Itoa(int(remaining)))
	return &http.Response{StatusCode: http.StatusOK, Header: header, Body: io.NopCloser(strings.NewReader(`{"value":{}}`))}, nil
}

// Parallel requests wait unless all fit into what is left, but never for more than half of the limit.
func TestParallelRequestsFitIntoTheRateLimit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		remaining, parallel int
		waits               bool
	}{{30, 30, false}, {29, 30, true}, {50, 80, false}, {49, 80, true}} {
		synctest.Test(t, func(t *testing.T) {
			tokens := tripletex.Credentials{SessionToken: "t"}
			client, err := tripletex.New(tripletex.Options{
				BaseURL: "http://localhost/v2", Credentials: tokens.Get, Transport: limited(test.remaining),
			})
			if err != nil {
				t.Fatal(err)
			}
			_, _ = client.WhoAmI(t.Context()) // learns the limit
			start := time.Now()
			if err := awaitReserve(t.Context(), client, test.parallel); err != nil {
				t.Fatal(err)
			}
			if waited := time.Since(start) > 0; waited != test.waits {
				t.Errorf("%d left, %d parallel: waited %t, want %t", test.remaining, test.parallel, waited, test.waits)
			}
		})
	}
}

func TestTimesOfStatusesAreThoseOfTheFirstObservation(t *testing.T) {
	t.Parallel()
	var statuses Statuses
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for minute, test := range []struct {
		status tripletex.Status
		since  int
	}{{tripletex.Active, 0}, {tripletex.Active, 0}, {tripletex.Disabled, 2}, {tripletex.Disabled, 2}, {"", -1}, {tripletex.Disabled, 5}} {
		o := Observation{At: start.Add(time.Duration(minute) * time.Minute)}
		if test.status != "" {
			o.Subscriptions = []tripletex.Subscription{{ID: 1, Status: test.status}}
		}
		since, there := statuses.Observe(o)[1]
		if there != (test.status != "") {
			t.Errorf("minute %d: there = %t", minute, there)
		}
		if want := start.Add(time.Duration(test.since) * time.Minute); there && !since.Equal(want) {
			t.Errorf("minute %d: since %s, want %s", minute, since, want)
		}
	}
}
