package exporter

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/promtext"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Calls counts the requests that clients send to Tripletex.
type Calls struct {
	mu                          sync.Mutex
	requests, failures, retries map[call]uint64
	durations                   map[call]*journal.Histogram
}

// call is what is counted together. A label that is empty is not one.
type call struct{ company, method, path, reason string }

func (c call) labels() []string {
	var labels []string
	for _, pair := range [][2]string{{"company", c.company}, {"method", c.method}, {"path", c.path}, {"reason", c.reason}} {
		if pair[1] != "" {
			labels = append(labels, pair[:]...)
		}
	}
	return labels
}

func compareCalls(a, b call) int { return slices.Compare(a.labels(), b.labels()) }

// NewCalls returns counters that are at zero.
func NewCalls() *Calls {
	return &Calls{
		requests: map[call]uint64{}, failures: map[call]uint64{}, retries: map[call]uint64{}, durations: map[call]*journal.Histogram{},
	}
}

// Collect is a [Collector].
func (c *Calls) Collect(w *promtext.Writer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	addCounts(w.Counter("tlxhook_api_requests_total", "Requests sent to Tripletex."), c.requests)
	addCounts(w.Counter("tlxhook_api_request_failures_total", "Requests to Tripletex that failed."), c.failures)
	addCounts(w.Counter("tlxhook_api_retries_total", "Requests to Tripletex that were sent again."), c.retries)
	durations := w.Histogram("tlxhook_api_request_duration_seconds", "Time until Tripletex began to answer.")
	for _, key := range slices.SortedFunc(maps.Keys(c.durations), compareCalls) {
		writeHistogram(durations, *c.durations[key], key.labels()...)
	}
}

func addCounts(f *promtext.Family, counts map[call]uint64) {
	for _, key := range slices.SortedFunc(maps.Keys(counts), compareCalls) {
		f.Add(strconv.FormatUint(counts[key], 10), key.labels()...)
	}
}

// ended counts a request that failed for a reason, or did not where that is empty.
func (c *Calls) ended(company, method, path, reason string, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests[call{company, method, path, ""}]++
	if reason != "" {
		c.failures[call{company, method, path, reason}]++
	}
	durations := c.durations[call{company, method, "", ""}]
	if durations == nil {
		made := journal.NewHistogram(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
		durations = &made
		c.durations[call{company, method, "", ""}] = durations
	}
	durations.Observe(took.Seconds())
}

func (c *Calls) retried(company, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.retries[call{company, "", "", reason}]++
}

// Count makes a client that is made from options count its requests under a name.
func (c *Calls) Count(company string, options *tripletex.Options) {
	if options.Transport == nil {
		options.Transport = tripletex.NewTransport()
	}
	options.Transport = counting{options.Transport, c, company}
	options.Retried = func(kind tripletex.Kind) { c.retried(company, health.Reason(kind)) }
}

// counting is an http.RoundTripper that counts what passes it.
type counting struct {
	next    http.RoundTripper
	calls   *Calls
	company string
}

func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	start := time.Now()
	response, err := c.next.RoundTrip(r)
	c.calls.ended(c.company, r.Method, pathTemplate(r.URL.Path), failureOf(response, err), time.Since(start))
	return response, err
}

// pathTemplate returns a path of the API without the one thing in it that differs and may be secret: a token.
func pathTemplate(path string) string {
	path = strings.TrimPrefix(path, "/v2")
	const session = "/token/session/"
	if last, ok := strings.CutPrefix(path, session); ok && !strings.HasPrefix(last, ":") && !strings.HasPrefix(last, ">") {
		return session + "{token}"
	}
	return path
}

// failureOf returns the reason that a request failed for, or "".
func failureOf(response *http.Response, err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return health.Reason(tripletex.Timeout)
	case err != nil:
		return health.Reason(tripletex.Network)
	case response.StatusCode == http.StatusUnauthorized, response.StatusCode == http.StatusForbidden:
		return health.Reason(tripletex.Unauthorized)
	case response.StatusCode == http.StatusTooManyRequests:
		return health.Reason(tripletex.RateLimited)
	case response.StatusCode >= http.StatusBadRequest:
		return health.Reason(tripletex.ServerFailed)
	default:
		return ""
	}
}
