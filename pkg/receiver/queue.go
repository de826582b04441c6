package receiver

import (
	"container/heap"
	"context"
	"errors"
	"path"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

const (
	// DefaultParallel is the default of [Route.Parallel].
	DefaultParallel = 8
	// pageSize is the number of deliveries read from the backlog at once.
	pageSize = 1000
	// pollInterval is the interval at which the backlog is checked for deliveries stored by other programs.
	pollInterval = 2 * time.Second
	// drainTime bounds the attempts in flight after the context has ended.
	drainTime = 10 * time.Second
)

// Route sends events to an app.
type Route struct {
	// Event is a pattern with "*" and "?", compared without case.
	Event string
	App   App
	// Parallel is the number of concurrent deliveries; 0 means 8. An attempt that takes longer than a second makes room
	// for another, up to eight times as many.
	Parallel int
}

// Backlog stores pending deliveries and records the results of attempts: a journal, or the turn of a stream consumer.
type Backlog interface {
	// Waiting returns pending deliveries with IDs above after, oldest first.
	Waiting(ctx context.Context, after int64, limit int) ([]journal.Entry, error)
	// LastWaiting returns the highest ID of a pending delivery; 0 without any.
	LastWaiting(ctx context.Context) (int64, error)
	// WaitingEvents returns the events with pending deliveries.
	WaitingEvents(ctx context.Context) ([]string, error)
	// WaitingOn returns pending deliveries of an event with object IDs from object on, sorted by object ID, and for
	// each object oldest first. Newer ones of an object may be left out.
	WaitingOn(ctx context.Context, event string, object int64, limit int) ([]journal.Entry, error)
	Records
}

// Records are deliveries by ID.
type Records interface {
	// WaitingOf returns the pending deliveries of an object with IDs above after, oldest first.
	WaitingOf(ctx context.Context, object journal.ObjectKey, after int64, limit int) ([]journal.Entry, error)
	// Get returns a delivery with its body. It returns journal.ErrNotFound if it does not exist, and journal.ErrDamaged if
	// it was altered in the store.
	Get(ctx context.Context, id int64) (journal.Entry, error)
	// Claim reserves a delivery for one attempt, and reports false while another program has it. Release ends that.
	Claim(id int64) bool
	Release(id int64)
	// Mark records the result of an attempt.
	Mark(ctx context.Context, id int64, a journal.Attempt) error
}

// Queue forwards pending deliveries at least once: in order for each object, concurrently for different objects. A
// failed delivery is retried for 24 hours and delays only later ones of its object. In memory it holds one delivery per
// object, for at most maxObjects objects per route.
type Queue struct {
	backlog Backlog
	routes  []*route
	report  func(DeliveryEvent)
	counts  *counters
	wake    chan struct{}
	done    chan finished
	// Run owns the following fields.
	objects map[queueKey]*objectQueue
	tail
	turn int // the route whose backlog is read next
}

// NewQueue returns a queue. The first matching route takes a delivery; one without a route stays pending. Report may be
// nil.
func NewQueue(backlog Backlog, routes []Route, report func(DeliveryEvent)) *Queue {
	q := &Queue{
		backlog: backlog, report: report, counts: newCounters(), wake: make(chan struct{}, 1), done: make(chan finished),
		objects: map[queueKey]*objectQueue{}, tail: tail{more: true},
	}
	if report == nil {
		q.report = func(DeliveryEvent) {}
	}
	for _, r := range routes {
		if r.Parallel == 0 {
			r.Parallel = DefaultParallel
		}
		q.routes = append(q.routes, &route{Route: r, running: map[*objectQueue]time.Time{}})
	}
	return q
}

// Wake makes the queue check for new deliveries.
func (q *Queue) Wake() {
	select {
	case q.wake <- struct{}{}:
	default: // already awake
	}
}

// Run forwards until the context ends. Attempts in flight may take ten more seconds.
func (q *Queue) Run(ctx context.Context) { q.run(ctx, drainTime, false) }

// Drain forwards pending deliveries until each is accepted or was tried once. If the context ends, attempts in flight get
// another half a second.
func (q *Queue) Drain(ctx context.Context) { q.run(ctx, answerTime, true) }

func (q *Queue) run(ctx context.Context, limit time.Duration, drain bool) {
	working, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	again := time.NewTicker(pollInterval)
	defer again.Stop()
	for ctx.Err() == nil {
		more := q.load(ctx)
		pause := q.start(working)
		switch {
		case drain && !q.unread() && q.running() == 0:
			return
		case more:
			pause = 0
		case q.unread():
			pause = min(pause, parkPause)
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-q.wake:
			q.more = true
		case f := <-q.done:
			q.finish(ctx, f)
			q.finishOthers(ctx)
		case <-again.C:
			q.more = true
		case <-timer.C:
		}
		timer.Stop()
	}
	defer time.AfterFunc(limit, cancel).Stop()
	for q.running() > 0 {
		q.finish(ctx, <-q.done)
	}
}

func (q *Queue) routeOf(event string) *route {
	for _, r := range q.routes {
		if r.Takes(event) {
			return r
		}
	}
	return nil
}

// Takes reports whether the route is for an event.
func (r Route) Takes(event string) bool { return matches(r.Event, event) }

// start begins attempts that are due, and returns the time until the next one is.
func (q *Queue) start(ctx context.Context) time.Duration {
	now, pause := time.Now(), maxBackoff
	for _, r := range q.routes {
		for {
			l, until := r.next(now)
			if l == nil {
				pause = min(pause, until)
				break
			}
			r.running[l] = now
			id := l.id
			go func() { q.done <- finished{l, q.forward(ctx, r.App, id)} }()
		}
	}
	return pause
}

// running returns the number of attempts in flight.
func (q *Queue) running() (n int) {
	for _, r := range q.routes {
		n += len(r.running)
	}
	return n
}

// finished is the end of an attempt.
type finished struct {
	object *objectQueue
	again  time.Duration // the pause before the next attempt; 0 for none
}

// finishOthers handles all attempts that have ended, so that reading the backlog does not delay them.
func (q *Queue) finishOthers(ctx context.Context) {
	for {
		select {
		case f := <-q.done:
			q.finish(ctx, f)
		default:
			return
		}
	}
}

func (q *Queue) finish(ctx context.Context, f finished) {
	l, r, now := f.object, f.object.key.route, time.Now()
	l.slow = now.Sub(r.running[l]) > slowAfter
	delete(r.running, l)
	switch {
	case f.again > 0:
		l.due = now.Add(f.again)
	case !q.advance(context.WithoutCancel(ctx), l, now):
		delete(q.objects, l.key)
		return
	}
	heap.Push(r.heapOf(l), l)
}

// forward makes one attempt, and returns the pause before the next; 0 if the delivery is done.
func (q *Queue) forward(ctx context.Context, app App, id int64) time.Duration {
	if !q.backlog.Claim(id) {
		return minBackoff // a replay is sending it
	}
	defer q.backlog.Release(id)
	e, err := q.backlog.Get(ctx, id)
	switch {
	case errors.Is(err, journal.ErrNotFound):
		return 0 // purged
	case errors.Is(err, journal.ErrDamaged):
		return q.record(ctx, app, e, Answer{Status: noAnswer, Err: err, Gone: true}, id)
	case err != nil:
		return minBackoff
	case e.State != journal.Pending:
		return 0 // finished by another program
	}
	q.counts.start()
	answer := app.Forward(ctx, e, false)
	q.counts.end(answer)
	if errors.Is(answer.Err, ErrLoop) {
		q.report(DeliveryEvent{Time: time.Now(), Kind: KindLoop, ID: id, Delivery: e.Delivery, App: app.String(), Answer: answer})
		return maxBackoff
	}
	return q.record(ctx, app, e, answer, id)
}

// record stores the result of an attempt. It retries while the journal cannot be written, so that an accepted delivery
// is not sent again.
func (q *Queue) record(ctx context.Context, app App, e journal.Entry, answer Answer, id int64) time.Duration {
	now := time.Now()
	state, kind, again := outcome(e, answer, now)
	attempt := answer.Attempt(now, state)
	attempt.Tried = triedUntil(e, now)
	for q.backlog.Mark(context.WithoutCancel(ctx), id, attempt) != nil {
		if wait.For(ctx, minBackoff) != nil {
			return minBackoff
		}
	}
	e.ID = id
	q.report(DeliveryEvent{
		Time: now, Kind: kind, ID: id, Delivery: e.Delivery, Attempt: e.Attempts + 1, App: app.String(), Answer: answer, Again: again,
	})
	return again
}

// outcome returns the state of a delivery after an answer, and the pause before the next attempt.
func outcome(e journal.Entry, answer Answer, now time.Time) (journal.State, Kind, time.Duration) {
	switch {
	case answer.Err == nil:
		return journal.Forwarded, KindForwarded, 0
	case answer.Gone, triedUntil(e, now) >= giveUpAfter:
		return journal.Dead, KindDead, 0
	}
	return journal.Pending, KindFailed, max(backoff(e.Attempts+1), answer.RetryAfter)
}

// matches reports whether a name matches a pattern with "*" and "?", ignoring case. A slash has no special meaning.
func matches(pattern, name string) bool {
	fits, err := path.Match(strings.ToLower(pattern), strings.ToLower(strings.ReplaceAll(name, "/", "_")))
	return err == nil && fits
}
