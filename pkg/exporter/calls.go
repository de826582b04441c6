package exporter

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Calls counts the requests that clients send to Tripletex. It is a prometheus.Collector.
type Calls struct {
	requests, failures, retries *prometheus.CounterVec
	duration                    *prometheus.HistogramVec
}

// NewCalls returns counters that are at zero.
func NewCalls() *Calls {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, append([]string{"company"}, labels...))
	}
	return &Calls{
		requests: counter("tlxhook_api_requests_total", "Requests sent to Tripletex.", "method", "path"),
		failures: counter("tlxhook_api_request_failures_total", "Requests to Tripletex that failed.", "method", "path", "reason"),
		retries:  counter("tlxhook_api_retries_total", "Requests to Tripletex that were sent again.", "reason"),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tlxhook_api_request_duration_seconds", Help: "Time until Tripletex began to answer.",
			Buckets: []float64{0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10},
		}, []string{"company", "method"}),
	}
}

func (c *Calls) all() []prometheus.Collector {
	return []prometheus.Collector{c.requests, c.failures, c.retries, c.duration}
}

// Describe implements prometheus.Collector.
func (c *Calls) Describe(to chan<- *prometheus.Desc) {
	for _, one := range c.all() {
		one.Describe(to)
	}
}

// Collect implements prometheus.Collector.
func (c *Calls) Collect(to chan<- prometheus.Metric) {
	for _, one := range c.all() {
		one.Collect(to)
	}
}

// Count makes a client that is made from options count its requests under a name.
func (c *Calls) Count(company string, options *tripletex.Options) {
	if options.Transport == nil {
		options.Transport = tripletex.NewTransport()
	}
	options.Transport = counting{options.Transport, c, company}
	options.Retried = func(kind tripletex.Kind) { c.retries.WithLabelValues(company, health.Reason(kind)).Inc() }
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
	path := pathTemplate(r.URL.Path)
	c.calls.requests.WithLabelValues(c.company, r.Method, path).Inc()
	c.calls.duration.WithLabelValues(c.company, r.Method).Observe(time.Since(start).Seconds())
	if reason := failureOf(response, err); reason != "" {
		c.calls.failures.WithLabelValues(c.company, r.Method, path, reason).Inc()
	}
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
