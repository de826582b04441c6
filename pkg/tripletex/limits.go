package tripletex

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// RateLimit is what the service last said of its limit, which counts per employee and consumer.
type RateLimit struct {
	Limit     int       // requests in a period
	Remaining int       // of them not used
	Reset     time.Time // when the period ends, at the latest
}

// RateLimit returns the last seen rate limit, or false where no answer has carried one.
func (c *Client) RateLimit() (RateLimit, bool) {
	c.limits.mu.Lock()
	defer c.limits.mu.Unlock()
	return c.limits.last, c.limits.last.Limit > 0
}

// limitError is the cause of a request that was not sent, as the headers foretold a 429 that the context would not
// outlast.
type limitError struct{ wait time.Duration } // in whole seconds, as the service counts

func (e *limitError) Error() string {
	return fmt.Sprintf("the rate limit is used up for another %s", e.wait)
}

// paced is an http.RoundTripper that holds requests back while the headers of answers foretell a 429.
type paced struct {
	next   http.RoundTripper
	limits *limits
}

func (p paced) RoundTrip(request *http.Request) (*http.Response, error) {
	before, err := p.limits.enter(request.Context())
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

// limits follows the rate limit over all requests of a client, also those that are in flight at once.
type limits struct {
	mu       sync.Mutex
	last     RateLimit
	inFlight int
	answered int
	changed  chan struct{} // closed, and replaced, with every answer
}

// enter waits until there is room for one more request. It returns how many were answered before it.
func (l *limits) enter(ctx context.Context) (answered int, err error) {
	for {
		l.mu.Lock()
		now := time.Now()
		if !l.last.Reset.IsZero() && !now.Before(l.last.Reset) {
			l.last.Remaining, l.last.Reset = l.last.Limit, time.Time{} // a new period, whose end is not known yet
		}
		// What is in flight may be counted in the last answer or not: the careful reading is that it is not.
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
		if err := waitFor(ctx, changed, left, known); err != nil {
			return 0, err
		}
	}
}

// waitFor waits for a change, or for a time where one is known.
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

// leave counts a request as over, and reads what its answer says of the limit. Before is what enter returned.
func (l *limits) leave(h http.Header, before int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight--
	// So many requests may have been counted by the service after this one and before the last one that we know of.
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
	// The seconds are rounded up, so every answer gives an end that is too late by up to one; within a period the
	// earliest is the best. More left than that means that a new period has begun.
	if same := !l.last.Reset.IsZero() && remaining <= l.last.Remaining+between; same {
		remaining = min(remaining, l.last.Remaining)
		if l.last.Reset.Before(end) {
			end = l.last.Reset
		}
	}
	l.last = RateLimit{limit, remaining, end}
}

// Reserved tells whether less than a tenth of the limit is left in its period: that much is for others.
func (r RateLimit) Reserved() bool {
	return r.Remaining*10 < r.Limit && time.Now().Before(r.Reset)
}

// spare waits until what is left of the rate limit is more than what is for others.
func (c *Client) spare(ctx context.Context, operation string) error {
	limit, known := c.RateLimit()
	if !known || !limit.Reserved() {
		return nil
	}
	if err := sleep(ctx, time.Until(limit.Reset)); err != nil {
		return &Error{Kind: kindOfCause(ctx, err), Operation: operation, Err: err}
	}
	return nil
}
