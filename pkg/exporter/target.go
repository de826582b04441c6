package exporter

import (
	"context"
	"sync"
	"time"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// pollTimeout is how long one listing may take, with all its repeats, however soon who asked for it gives up: the
// next scrape has the answer then.
const pollTimeout = 30 * time.Second

// watched follows the subscriptions of one target. Everybody who asks while a listing is in flight waits for that
// one, and its result is kept for a while: Tripletex limits requests, and others need them.
type watched struct {
	target   Target
	open     func(context.Context, Target) (*tripletex.Client, error)
	keep     time.Duration // how long a result is shown without asking again
	mostEach int           // up to how many subscriptions are shown one by one
	log      func(format string, args ...any)

	mu          sync.Mutex
	inFlight    chan struct{} // closed when the listing in flight is over; nil where there is none
	last        *result
	lastSuccess time.Time

	// The following belong to the listing in flight.
	source health.Poller
	seen   health.Statuses
}

// result is what one listing gave. It is not changed once it is there.
type result struct {
	at     time.Time
	sample health.Sample
}

// sample returns what there is to show. Where the context ends before the listing does, it says so.
func (w *watched) sample(ctx context.Context) health.Sample {
	start := time.Now()
	w.mu.Lock()
	if w.last != nil && (time.Since(w.last.at) < w.keep || w.last.sample.RateLimit.Reserved()) {
		defer w.mu.Unlock()
		return w.current()
	}
	if w.inFlight == nil {
		w.inFlight = make(chan struct{})
		go w.look(context.WithoutCancel(ctx), w.inFlight)
	}
	over := w.inFlight
	w.mu.Unlock()
	select {
	case <-over:
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.current()
	case <-ctx.Done():
		w.mu.Lock()
		defer w.mu.Unlock()
		late := w.failed(&tripletex.Error{Kind: tripletex.Timeout, Operation: "list subscriptions"}, time.Since(start))
		late.LastSuccess = w.lastSuccess
		return late
	}
}

// current returns the last result with what changes by the second. The lock is held.
func (w *watched) current() health.Sample {
	s := w.last.sample
	s.LastSuccess = w.lastSuccess
	s.CacheAge = time.Since(w.last.at)
	s.Paused = s.RateLimit.Reserved()
	return s
}

// look asks once, and tells everybody who waits.
func (w *watched) look(ctx context.Context, over chan<- struct{}) {
	defer close(over)
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	start := time.Now()
	sample, err := w.ask(ctx)
	if err != nil {
		sample = w.failed(err, time.Since(start))
	}
	if w.source.Client != nil {
		sample.RateLimit, _ = w.source.Client.RateLimit()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tell(sample.Reason, err)
	w.last, w.inFlight = &result{time.Now(), sample}, nil
	if err == nil {
		w.lastSuccess = w.last.at
	}
}

// tell logs a failure when it begins or has another reason, and when it is over: a scrape comes every few seconds.
func (w *watched) tell(reason string, err error) {
	before := ""
	if w.last != nil {
		before = w.last.sample.Reason
	}
	switch {
	case reason == before:
	case err != nil:
		w.log("%s: %v", w.target.label(), err)
	default:
		w.log("%s: Tripletex answers again", w.target.label())
	}
}

func (w *watched) ask(ctx context.Context) (health.Sample, error) {
	if w.source.Client == nil {
		client, err := w.open(ctx, w.target)
		if err != nil {
			return health.Sample{}, err
		}
		w.source.Client = client
	}
	look, err := w.source.Poll(ctx)
	if err != nil {
		return health.Sample{}, err
	}
	report := health.Check(health.Input{Subscriptions: look.Subscriptions, Took: look.Took, CompanyID: w.source.Client.Company()})
	return health.Sample{
		Report: report, Company: w.target.Company, Live: true, Each: len(look.Subscriptions) <= w.mostEach,
		Changed: w.seen.Observe(look), SessionExpiry: look.SessionExpiry,
	}, nil
}

// failed is the sample of a listing that failed.
func (w *watched) failed(err error, took time.Duration) health.Sample {
	report := health.Unreachable(health.ProblemOf(err), health.Unknown, took)
	return health.Sample{Report: report, Company: w.target.Company, Reason: health.ReasonOf(err), Live: true}
}
