package receiver

import (
	"container/heap"
	"context"
	"math"
	"slices"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

const (
	// maxObjects is the number of objects per route in memory, about 200 bytes each. The others stay in the backlog
	// until there is room.
	maxObjects = 50_000
	// parkPause is the pause between two attempts to make room.
	parkPause = 100 * time.Millisecond
	// minSweep is the shortest pause between two sweeps. A sweep takes at most one part in sweepShare of the time.
	minSweep   = 2 * time.Second
	sweepShare = 20
	// sweepPage is the number of rows that a sweep reads at once, so that ended attempts are handled in between.
	sweepPage = 100
	// maxBehind is the number of unread rows at the end of the backlog above which they are left to the sweeps.
	maxBehind = 10 * pageSize
)

// tail reads deliveries stored after the start of the queue, once for all routes.
type tail struct {
	cursor int64 // rows up to here were read, or are left to the sweeps
	begun  bool
	more   bool // there may be rows after the cursor
}

// sweep reads the objects with events of one route: deliveries stored before the start, parked objects, and deliveries
// that another program replays. It reads no rows of other routes, and at most one page of an object.
type sweep struct {
	events   []position // still to be read, in rotation
	sweeping bool
	began    time.Time
	nextAt   time.Time // the begin of the next sweep; zero for at once
	parked   bool      // objects were left to the backlog
	left     bool      // this sweep left objects to the backlog too
	roomAt   time.Time // the time of the next attempt to make room
}

// position is the progress of a sweep for one event.
type position struct {
	event  string
	object int64
}

// unread reports whether a part of the backlog should be read now.
func (q *Queue) unread() bool {
	return q.more || q.begun && slices.ContainsFunc(q.routes, func(r *route) bool { return r.sweeping || r.nextAt.IsZero() })
}

// load reads one page of the tail and one page for one route, and reports whether more can be read.
func (q *Queue) load(ctx context.Context) (more bool) {
	now := time.Now()
	q.readTail(ctx, now)
	q.beginSweeps(ctx, now)
	for range q.routes {
		q.turn = (q.turn + 1) % len(q.routes)
		if r := q.routes[q.turn]; r.sweeping && q.makeRoom(r, now) {
			q.sweepOn(ctx, r, now)
			break
		}
	}
	return q.more || slices.ContainsFunc(q.routes, func(r *route) bool { return r.sweeping && r.held() < maxObjects })
}

// readTail reads the next page of the tail. If too many rows are unread, they are left to the sweeps.
func (q *Queue) readTail(ctx context.Context, now time.Time) {
	if !q.more {
		return
	}
	last, err := q.backlog.LastWaiting(ctx)
	if q.more = err == nil; err != nil {
		return // retried soon
	}
	if !q.begun || last-q.cursor > maxBehind {
		q.begun, q.cursor = true, max(q.cursor, last)
		for _, r := range q.routes {
			r.nextAt = time.Time{}
		}
	}
	page, err := q.backlog.Waiting(ctx, q.cursor, pageSize)
	q.more = err == nil && len(page) == pageSize
	for _, e := range page {
		q.cursor = max(q.cursor, e.ID)
		if r := q.routeOf(e.Event); r != nil {
			q.add(ctx, r, e, now)
		}
	}
}

// beginSweeps begins the sweeps that are due.
func (q *Queue) beginSweeps(ctx context.Context, now time.Time) {
	due := func(r *route) bool { return !r.sweeping && !now.Before(r.nextAt) }
	if !q.begun || !slices.ContainsFunc(q.routes, due) {
		return
	}
	events, err := q.backlog.WaitingEvents(ctx)
	for _, r := range q.routes {
		if !due(r) {
			continue
		}
		if err != nil {
			r.nextAt = now.Add(minSweep)
			continue
		}
		r.sweep = sweep{sweeping: true, began: now, nextAt: now, parked: r.parked, roomAt: r.roomAt}
		for _, event := range events {
			if q.routeOf(event) == r {
				r.events = append(r.events, position{event, math.MinInt64})
			}
		}
	}
}

// sweepOn reads the next page of a sweep, or ends the sweep.
func (q *Queue) sweepOn(ctx context.Context, r *route, now time.Time) {
	if len(r.events) == 0 {
		r.sweeping, r.parked = false, r.left
		if !r.nextAt.IsZero() { // otherwise another sweep was requested
			r.nextAt = now.Add(max(minSweep, sweepShare*now.Sub(r.began)))
		}
		return
	}
	at := r.events[0]
	page, err := q.backlog.WaitingOn(ctx, at.event, at.object, sweepPage)
	r.events, r.left = r.events[1:], r.left || err != nil
	for i, e := range page {
		if i == 0 || e.ObjectID != page[i-1].ObjectID {
			q.add(ctx, r, e, now)
		}
	}
	if len(page) < sweepPage || page[len(page)-1].ObjectID == math.MaxInt64 {
		return
	}
	at.object = page[len(page)-1].ObjectID + 1
	r.events = append(r.events, at)
}

// makeRoom parks objects if a route is full, and reports whether the route has room.
func (q *Queue) makeRoom(r *route, now time.Time) bool {
	if r.held() < maxObjects {
		return true
	}
	if now.Before(r.roomAt) {
		return false
	}
	r.roomAt = now.Add(parkPause)
	for _, l := range r.park(now) {
		delete(q.objects, l.key)
	}
	return r.held() < maxObjects
}

// add adds an entry of a page, or notes that its object has newer deliveries. The backlog may have an older one of the
// object, unless all earlier rows were read.
func (q *Queue) add(ctx context.Context, r *route, e journal.Entry, now time.Time) {
	key := queueKey{r, e.Object()}
	if l := q.objects[key]; l != nil {
		l.more = l.more || e.ID != l.id
		return
	}
	if r.held() >= maxObjects {
		r.parked, r.left = true, true
		return
	}
	l := &objectQueue{key: key, id: e.ID}
	if r.sweeping || r.parked || r.nextAt.IsZero() {
		first, more, err := q.first(ctx, key, 0)
		if err != nil || first == nil {
			r.left = true
			return
		}
		l.id, l.more, l.due = first.ID, more, first.LastAttempt // objects without a failure come first
		if l.due.After(now) {                                   // the clock was set back
			l.due = now
		} else if r.parked && l.due.Add(backoff(first.Attempts)).After(now) {
			r.left = true
			return
		}
	}
	q.objects[key] = l
	heap.Push(&r.waiting, l)
}

// first returns the oldest pending delivery of an object with an ID above after, nil without one, and whether there may be
// more. It reads those of other routes in between.
func (q *Queue) first(ctx context.Context, key queueKey, after int64) (first *journal.Entry, more bool, err error) {
	for limit := 2; ; limit = pageSize {
		page, err := q.backlog.WaitingOf(ctx, key.object, after, limit)
		if err != nil {
			return nil, false, err
		}
		for i, e := range page {
			if after = e.ID; q.routeOf(e.Event) == key.route {
				return &e, i < len(page)-1 || len(page) == limit, nil
			}
		}
		if len(page) < limit {
			return nil, false, nil
		}
	}
}

// advance moves an object to its next delivery, and reports whether it has one.
func (q *Queue) advance(ctx context.Context, l *objectQueue, now time.Time) bool {
	if !l.more {
		return false
	}
	next, more, err := q.first(ctx, l.key, l.id) // it was the oldest of its route
	switch {
	case err != nil:
		l.due = now.Add(minBackoff) // a finished delivery is not sent again
		return true
	case next != nil:
		l.id, l.due, l.more = next.ID, time.Time{}, more
	}
	return next != nil
}
