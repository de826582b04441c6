package exporter

import (
	"context"
	"sync"
	"time"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// pollTimeout bounds one listing with its retries. It is independent of the scrape timeout: a late result serves the next
// scrape.
const pollTimeout = 30 * time.Second

// watched is the state of one target. Concurrent scrapes share one listing, and its result is cached for minInterval to
// save requests of the rate limit.
type watched struct {
	target      Target
	open        func(context.Context, Target) (*tripletex.Client, error)
	minInterval time.Duration
	maxSeries   int
	log         func(format string, args ...any)

	mu          sync.Mutex
	inFlight    chan struct{} // closed at the end of the listing; nil if none is in flight
	last        *result
	lastSuccess time.Time

	// The following fields belong to the listing in flight.
	poller   health.Poller
	statuses health.Statuses
}

// result is the immutable result of one listing.
type result struct {
	at     time.Time
	sample health.Sample
}

// sample returns the cached or a new sample, or a timeout failure if the context ends before the listing.
func (w *watched) sample(ctx context.Context) health.Sample {
	start := time.Now()
	w.mu.Lock()
	if w.last != nil && (time.Since(w.last.at) < w.minInterval || w.last.sample.RateLimit.Reserved()) {
		defer w.mu.Unlock()
		return w.current()
	}
	if w.inFlight == nil {
		w.inFlight = make(chan struct{})
		go w.poll(context.WithoutCancel(ctx), w.inFlight)
	}
	done := w.inFlight
	w.mu.Unlock()
	select {
	case <-done:
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.current()
	case <-ctx.Done():
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.last != nil && w.last.sample.Report.Problem != nil { // the listing before says more than its duration
			return w.current()
		}
		timeout := w.failed(&tripletex.Error{Kind: tripletex.Timeout, Operation: "list subscriptions"}, time.Since(start))
		timeout.LastSuccess = w.lastSuccess
		return timeout
	}
}

// current returns the last sample with the current times. The caller holds the lock.
func (w *watched) current() health.Sample {
	s := w.last.sample
	s.LastSuccess = w.lastSuccess
	s.CacheAge = time.Since(w.last.at)
	s.Paused = s.RateLimit.Reserved()
	return s
}

// poll lists the subscriptions once and closes done.
func (w *watched) poll(ctx context.Context, done chan<- struct{}) {
	defer close(done)
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	start := time.Now()
	sample, err := w.list(ctx)
	if err != nil {
		sample = w.failed(err, time.Since(start))
	}
	if w.poller.Client != nil {
		sample.RateLimit, _ = w.poller.Client.RateLimit()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.logChange(sample.Reason, err)
	w.last, w.inFlight = &result{time.Now(), sample}, nil
	if err == nil {
		w.lastSuccess = w.last.at
	}
}

// logChange logs the start of a failure, a new reason, and the recovery.
func (w *watched) logChange(reason string, err error) {
	before := ""
	if w.last != nil {
		before = w.last.sample.Reason
	}
	switch {
	case reason == before:
	case err != nil:
		w.log("%s: %v", w.target.label(), err)
	default:
		w.log("%s: polling recovered", w.target.label())
	}
}

func (w *watched) list(ctx context.Context) (health.Sample, error) {
	if w.poller.Client == nil {
		client, err := w.open(ctx, w.target)
		if err != nil {
			return health.Sample{}, err
		}
		w.poller.Client = client
	}
	o, err := w.poller.Poll(ctx)
	if err != nil {
		return health.Sample{}, err
	}
	report := health.Check(health.Input{Subscriptions: o.Subscriptions, Took: o.Took, CompanyID: w.poller.Client.Company()})
	return health.Sample{
		Report: report, Company: w.target.Company, Live: true, Each: len(o.Subscriptions) <= w.maxSeries,
		Changed: w.statuses.Observe(o), SessionExpiry: o.SessionExpiry,
	}, nil
}

// failed returns the sample of a failed listing.
func (w *watched) failed(err error, took time.Duration) health.Sample {
	report := health.Unreachable(health.ProblemOf(err), health.Unknown, took)
	return health.Sample{Report: report, Company: w.target.Company, Reason: health.ReasonOf(err), Live: true}
}
