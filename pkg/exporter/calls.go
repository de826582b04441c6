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

// Calls counts the requests of API clients. It is safe for concurrent use.
type Calls struct {
	mu                          sync.Mutex
	requests, failures, retries map[call]uint64
	durations                   map[call]*journal.Histogram
}

// call is a set of labels; empty labels are omitted.
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

// NewCalls returns zero counters.
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
	addCounts(w.Counter("tlxhook_api_request_failures_total", "Failed requests to Tripletex."), c.failures)
	addCounts(w.Counter("tlxhook_api_retries_total", "Retried requests to Tripletex."), c.retries)
	durations := w.Histogram("tlxhook_api_request_duration_seconds", "Time until the response headers from Tripletex.")
	for _, key := range slices.SortedFunc(maps.Keys(c.durations), compareCalls) {
		writeHistogram(durations, *c.durations[key], key.labels()...)
	}
}

func addCounts(f *promtext.Family, counts map[call]uint64) {
	for _, key := range slices.SortedFunc(maps.Keys(counts), compareCalls) {
		f.Add(strconv.FormatUint(counts[key], 10), key.labels()...)
	}
}

// count counts a request. An empty reason means success.
func (c *Calls) count(company, method, path, reason string, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests[call{company, method, path, ""}]++
	if reason != "" {
		c.failures[call{company, method, path, reason}]++
	}
	durations := c.durations[call{company, method, "", ""}]
	if durations == nil {
		histogram := journal.NewHistogram(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
		durations = &histogram
		c.durations[call{company, method, "", ""}] = durations
	}
	durations.Observe(took.Seconds())
}

func (c *Calls) retried(company, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.retries[call{company, "", "", reason}]++
}

// Count changes options so that their client counts its requests with the company label.
func (c *Calls) Count(company string, options *tripletex.Options) {
	if options.Transport == nil {
		options.Transport = tripletex.NewTransport()
	}
	options.Transport = counting{options.Transport, c, company}
	options.Retried = func(kind tripletex.Kind) { c.retried(company, health.Reason(kind)) }
}

// counting is an http.RoundTripper that counts requests.
type counting struct {
	next    http.RoundTripper
	calls   *Calls
	company string
}

func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	start := time.Now()
	response, err := c.next.RoundTrip(r)
	c.calls.count(c.company, r.Method, pathTemplate(r.URL.Path), failureOf(response, err), time.Since(start))
	return response, err
}

// pathTemplate returns an API path in which {token} replaces a session token.
func pathTemplate(path string) string {
	path = strings.TrimPrefix(path, "/v2")
	const session = "/token/session/"
	if last, ok := strings.CutPrefix(path, session); ok && !strings.HasPrefix(last, ":") && !strings.HasPrefix(last, ">") {
		return session + "{token}"
	}
	return path
}

// failureOf returns the failure reason of a request, or an empty string.
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
