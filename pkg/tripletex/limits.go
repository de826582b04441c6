package tripletex

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/tlxhook/tlxhook/pkg/wait"
)

// RateLimit is the last known state of the rate limit, which applies per employee and consumer.
type RateLimit struct {
	Limit     int       // requests in a period
	Remaining int       // requests left in the period
	Reset     time.Time // the latest time at which the period ends
}

// RateLimit returns the last known rate limit, or false if no response had one.
func (c *Client) RateLimit() (RateLimit, bool) {
	c.limits.mu.Lock()
	defer c.limits.mu.Unlock()
	return c.limits.last, c.limits.last.Limit > 0
}

// limitError means that a request was not sent because the rate limit is used up until after the deadline.
type limitError struct{ wait time.Duration } // whole seconds

func (e *limitError) Error() string {
	return "rate limit used up for another " + wait.Text(e.wait)
}

// paced is an http.RoundTripper that delays requests while the rate limit is used up.
type paced struct {
	next   http.RoundTripper
	limits *limits

	observer Observer
}

func (p paced) RoundTrip(request *http.Request) (*http.Response, error) {
	before, err := p.limits.enter(request.Context(), p.observer)
	if err != nil {
		return nil, err
	}
	response, err := p.next.RoundTrip(request)
	var header http.Header
	if err == nil {
		header = response.Header
	}
	p.limits.leave(header, before)
	return response, err
}

// limits tracks the rate limit over all requests of a client, including those in flight.
type limits struct {
	mu       sync.Mutex
	last     RateLimit
	inFlight int
	answered int           // responses so far
	changed  chan struct{} // closed and replaced with every response
}

// enter waits until one more request is within the limit. It returns the number of responses so far.
func (l *limits) enter(ctx context.Context, observer Observer) (answered int, err error) {
	for {
		l.mu.Lock()
		now := time.Now()
		if !l.last.Reset.IsZero() && !now.Before(l.last.Reset) {
			l.last.Remaining, l.last.Reset = l.last.Limit, time.Time{} // a new period with an unknown end
		}
		// Requests in flight may be missing from the last response, so they are counted again.
		if l.last.Limit == 0 || l.last.Remaining > l.inFlight {
			l.inFlight++
			answered = l.answered
			l.mu.Unlock()
			return answered, nil
		}
		left, known, changed := l.last.Reset.Sub(now), !l.last.Reset.IsZero(), l.changed
		l.mu.Unlock()
		if deadline, ok := ctx.Deadline(); ok && known && deadline.Before(now.Add(left)) {
			return 0, &limitError{(left + time.Second - 1).Truncate(time.Second)}
		}
		if known {
			observer.Waits(left, true)
		}
		if err := waitFor(ctx, changed, left, known); err != nil {
			return 0, err
		}
	}
}

// waitFor waits for a change, or for the duration left if it is known.
func waitFor(ctx context.Context, changed <-chan struct{}, left time.Duration, known bool) error {
	var over <-chan time.Time
	if known {
		timer := time.NewTimer(left)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-changed:
	case <-over:
	}
	return nil
}

// leave records the end of a request and the limit in its response headers. Before is the result of enter.
func (l *limits) leave(h http.Header, before int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight--
	// The service may have counted up to this many requests between this one and the last known response.
	between := l.answered - before + l.inFlight
	l.answered++
	close(l.changed)
	l.changed = make(chan struct{})
	limit, err1 := strconv.Atoi(h.Get("X-Rate-Limit-Limit"))
	remaining, err2 := strconv.Atoi(h.Get("X-Rate-Limit-Remaining"))
	seconds, err3 := strconv.Atoi(h.Get("X-Rate-Limit-Reset"))
	if errors.Join(err1, err2, err3) != nil || limit <= 0 || seconds < 0 || seconds > int(maxWait.Seconds()) {
		return
	}
	end := time.Now().Add(time.Duration(seconds) * time.Second)
	// Seconds are rounded up, so each response gives an end up to 1 s too late; within a period the earliest counts.
	// More requests left than possible mean that a new period has begun.
	if same := !l.last.Reset.IsZero() && remaining <= l.last.Remaining+between; same {
		remaining = min(remaining, l.last.Remaining)
		if l.last.Reset.Before(end) {
			end = l.last.Reset
		}
	}
	l.last = RateLimit{limit, remaining, end}
}

// Reserved reports whether less than a tenth of the limit is left in the period. A background job should then pause until
// Reset, so that other programs with the same tokens can continue.
func (r RateLimit) Reserved() bool {
	return r.Remaining*10 < r.Limit && time.Now().Before(r.Reset)
}

// waitForReserve waits while the rest of the rate limit is reserved.
func (c *Client) waitForReserve(ctx context.Context, operation string) error {
	limit, known := c.RateLimit()
	if !known || !limit.Reserved() {
		return nil
	}
	if err := wait.Until(ctx, limit.Reset); err != nil {
		return &Error{Kind: kindOfCause(ctx, err), Operation: operation, Err: err}
	}
	return nil
}
