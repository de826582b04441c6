package receiver

import (
	"container/heap"
	"context"
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
)

// reading is how far a route has read the backlog. A sweep reads it again from the beginning, for lanes that were parked
// and for deliveries that another program revived.
type reading struct {
	cursor   int64 // what is up to here was read
	more     bool  // there may be more behind the cursor
	sweep    int64 // the cursor of the sweep
	sweeping bool
	began    time.Time // when the last sweep began
	sweepAt  time.Time // when the next sweep begins
	parked   bool      // lanes were left to the backlog
	left     bool      // the sweep has left some there, too
	roomAt   time.Time // when to try again to make room
}

// readOn has every route read what was stored since.
func (q *Queue) readOn() {
	for _, r := range q.routes {
		r.more = true
	}
}

// unread reports whether a route has not read the whole backlog.
func (q *Queue) unread() bool {
	return slices.ContainsFunc(q.routes, func(r *route) bool { return r.more })
}

// load reads a page for each route that may have more and has room, and reports whether one still has.
func (q *Queue) load(ctx context.Context) (more bool) {
	now := time.Now()
	for _, r := range q.routes {
		if !q.makeRoom(r, now) {
			continue
		}
		if r.more {
			page, err := q.backlog.Waiting(ctx, r.cursor, pageSize)
			r.more = err == nil && len(page) == pageSize // after an error it is tried again soon
			for _, e := range page {
				r.cursor = max(r.cursor, e.ID)
				q.add(ctx, r, e, now)
			}
		}
		q.sweep(ctx, r, now)
		more = more || r.more || r.sweeping
	}
	return more
}

// sweep reads a page of the sweep of a route, and begins one when it is time to.
func (q *Queue) sweep(ctx context.Context, r *route, now time.Time) {
	switch {
	case r.sweepAt.IsZero():
		r.sweepAt = now.Add(minSweep)
	case !r.sweeping && now.After(r.sweepAt):
		r.sweeping, r.sweep, r.began, r.left = true, 0, now, false
	}
	if !r.sweeping {
		return
	}
	page, err := q.backlog.Waiting(ctx, r.sweep, pageSize)
	for _, e := range page {
		r.sweep = e.ID
		q.add(ctx, r, e, now)
	}
	if err == nil && len(page) == pageSize && r.sweep < r.cursor {
		return
	}
	r.sweeping, r.parked = false, r.left || err != nil && r.parked
	r.sweepAt = now.Add(max(minSweep, sweepShare*now.Sub(r.began)))
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

// add makes a lane of an entry of a page, or notes that the lane of its object has more.
func (q *Queue) add(ctx context.Context, r *route, e journal.Entry, now time.Time) {
	if q.routeOf(e.Event) != r {
		return
	}
	key := laneKey{r, e.Object()}
	if l := q.lanes[key]; l != nil {
		l.more = l.more || e.ID != l.id
		return
	}
	l := &lane{key: key, id: e.ID}
	if r.parked { // an older one of the object may have been left to the backlog
		first, found, err := q.first(ctx, key)
		if err != nil || !found || first.LastAttempt.Add(backoff(first.Attempts)).After(now) {
			r.left = true
			return
		}
		l.id, l.more = first.ID, true
	}
	q.lanes[key] = l
	heap.Push(&r.waiting, l)
}

// first returns the oldest delivery that waits of an object.
func (q *Queue) first(ctx context.Context, key laneKey) (journal.Entry, bool, error) {
	for after := int64(0); ; {
		page, err := q.backlog.WaitingOf(ctx, key.object, after, pageSize)
		if err != nil {
			return journal.Entry{}, false, err
		}
		for _, e := range page {
			if after = e.ID; q.routeOf(e.Event) == key.route {
				return e, true, nil
			}
		}
		if len(page) < pageSize {
			return journal.Entry{}, false, nil
		}
	}
}

// advance moves a lane whose delivery is settled to the next of its object, and reports whether there may be one.
func (q *Queue) advance(ctx context.Context, l *lane, now time.Time) bool {
	if !l.more {
		return false
	}
	next, found, err := q.first(ctx, l.key)
	switch {
	case err != nil:
		l.due = now.Add(minBackoff) // what is settled is not sent again
		return true
	case found:
		l.id, l.due = next.ID, time.Time{}
	}
	return found
}
