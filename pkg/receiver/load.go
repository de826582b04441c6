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
	// maxLanes is how many objects of a route are held in memory, about 200 bytes each. The others stay in the backlog
	// until these are done, or wait for longer.
	maxLanes = 50_000
	// parkPause is the time between two attempts to make room.
	parkPause = 100 * time.Millisecond
	// minSweep is the shortest time between two sweeps, sweepShare the part of the time that they take at most.
	minSweep   = 2 * time.Second
	sweepShare = 20
	// sweepPage is how many rows a sweep reads at once, between two looks at what has ended.
	sweepPage = 100
	// maxBehind is how many rows may be unread at the end of the backlog before they are left to the sweeps.
	maxBehind = 10 * pageSize
)

// tail reads what is stored after the queue has begun, once for all routes.
type tail struct {
	cursor int64 // what is up to here was read, or is left to the sweeps
	begun  bool
	more   bool // there may be more behind the cursor
}

// sweep reads the objects of the events of one route: what was stored before the queue began, lanes that were parked, and
// deliveries that another program revived. It reads nothing of other routes, and at most a page of one object.
type sweep struct {
	events   []position // to be read, by turns
	sweeping bool
	began    time.Time
	nextAt   time.Time // when the next one begins; zero for at once
	parked   bool      // lanes were left to the backlog
	left     bool      // this sweep has left some there, too
	roomAt   time.Time // when to try again to make room
}

// position is how far a sweep has read the objects of an event.
type position struct {
	event  string
	object int64
}

// unread reports whether a part of the backlog is to be read now.
func (q *Queue) unread() bool {
	return q.more || q.begun && slices.ContainsFunc(q.routes, func(r *route) bool { return r.sweeping || r.nextAt.IsZero() })
}

// load reads a page at the end of the backlog and one for one of the routes, and reports whether there is more to read.
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
	return q.more || slices.ContainsFunc(q.routes, func(r *route) bool { return r.sweeping && r.held() < maxLanes })
}

// readTail reads a page of what was stored since. If that is too much, it is left to the sweeps.
func (q *Queue) readTail(ctx context.Context, now time.Time) {
	if !q.more {
		return
	}
	last, err := q.backlog.LastWaiting(ctx)
	if q.more = err == nil; err != nil {
		return // it is tried again soon
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

// beginSweeps begins the sweeps for which it is time.
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

// sweepOn reads a page of one event of a sweep, or ends the sweep.
func (q *Queue) sweepOn(ctx context.Context, r *route, now time.Time) {
	if len(r.events) == 0 {
		r.sweeping, r.parked = false, r.left
		if !r.nextAt.IsZero() { // else another one is wanted at once
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

// makeRoom reports whether a route may hold more lanes, after it has left those that are due last to the backlog.
func (q *Queue) makeRoom(r *route, now time.Time) bool {
	if r.held() < maxLanes {
		return true
	}
	if now.Before(r.roomAt) {
		return false
	}
	r.roomAt = now.Add(parkPause)
	for _, l := range r.park(now) {
		delete(q.lanes, l.key)
	}
	return r.held() < maxLanes
}

// add makes a lane of an entry of a page, or notes that the lane of its object has more. Unless all before it was read,
// an older one of the object may be in the backlog.
func (q *Queue) add(ctx context.Context, r *route, e journal.Entry, now time.Time) {
	key := laneKey{r, e.Object()}
	if l := q.lanes[key]; l != nil {
		l.more = l.more || e.ID != l.id
		return
	}
	if r.held() >= maxLanes {
		r.parked, r.left = true, true
		return
	}
	l := &lane{key: key, id: e.ID}
	if r.sweeping || r.parked || r.nextAt.IsZero() {
		first, more, err := q.first(ctx, key)
		if err != nil || first == nil {
			r.left = true
			return
		}
		l.id, l.more, l.due = first.ID, more, first.LastAttempt // those that never failed come first
		if l.due.After(now) {                                   // the clock was set back
			l.due = now
		} else if r.parked && l.due.Add(backoff(first.Attempts)).After(now) {
			r.left = true
			return
		}
	}
	q.lanes[key] = l
	heap.Push(&r.waiting, l)
}

// first returns the oldest delivery that waits of an object, nil without any, and whether more may wait.
func (q *Queue) first(ctx context.Context, key laneKey) (first *journal.Entry, more bool, err error) {
	limit := 2
	for after := int64(0); ; limit = pageSize {
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

// advance moves a lane whose delivery is settled to the next of its object, and reports whether there may be one.
func (q *Queue) advance(ctx context.Context, l *lane, now time.Time) bool {
	if !l.more {
		return false
	}
	next, more, err := q.first(ctx, l.key)
	switch {
	case err != nil:
		l.due = now.Add(minBackoff) // what is settled is not sent again
		return true
	case next != nil:
		l.id, l.due, l.more = next.ID, time.Time{}, more
	}
	return next != nil
}
