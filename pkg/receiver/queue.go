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
	// pageSize is how many are read from the backlog at once.
	pageSize = 1000
	// lookAgain is how often the backlog is asked for deliveries that another program stored.
	lookAgain = 2 * time.Second
	// drainTime is how long what is in flight may take once all is to end.
	drainTime = 10 * time.Second
)

// Route sends events to an app.
type Route struct {
	// Event is a pattern with "*" and "?", compared without case.
	Event string
	App   App
	// Parallel is how many deliveries the app gets at once; 0 means 8. One that takes longer than a second makes room for
	// another, up to eight times as many.
	Parallel int
}

// Backlog is where a queue finds what is to be forwarded and keeps what became of it: a journal, or the turn of a
// consumer of a stream.
type Backlog interface {
	// Waiting returns the deliveries after an id that are to be forwarded, the oldest first.
	Waiting(ctx context.Context, after int64, limit int) ([]journal.Entry, error)
	// LastWaiting returns the highest ID of those; 0 without any.
	LastWaiting(ctx context.Context) (int64, error)
	// WaitingEvents returns the events of those.
	WaitingEvents(ctx context.Context) ([]string, error)
	// WaitingOn returns those of an event, by object ID from one on, and the oldest of each object first. Newer ones of an
	// object may be left out.
	WaitingOn(ctx context.Context, event string, object int64, limit int) ([]journal.Entry, error)
	Records
}

// Records are deliveries by their ids.
type Records interface {
	// WaitingOf returns the deliveries of an object after an id that are to be forwarded, the oldest first.
	WaitingOf(ctx context.Context, object journal.ObjectKey, after int64, limit int) ([]journal.Entry, error)
	// Get returns one with its body; it is journal.ErrNotFound where it is not there, and journal.ErrDamaged where it is
	// not as it was received.
	Get(ctx context.Context, id int64) (journal.Entry, error)
	// Mark keeps the outcome of a try to forward one.
	Mark(ctx context.Context, id int64, a journal.Attempt) error
}

// Queue forwards what waits: at least once, in order for each object, and many objects at once. A delivery that fails is
// tried again for 24 hours, and holds up only those of its own object. It holds one delivery of an object in memory, and
// at most maxLanes objects for each route.
type Queue struct {
	backlog Backlog
	routes  []*route
	report  func(DeliveryEvent)
	counts  *counters
	wake    chan struct{}
	done    chan finished
	// What follows belongs to Run.
	lanes map[laneKey]*lane
	tail
	turn int // the route that reads next
}

// NewQueue returns a queue. The first route whose pattern fits takes a delivery; one that no route takes keeps
// waiting. Report may be nil.
func NewQueue(backlog Backlog, routes []Route, report func(DeliveryEvent)) *Queue {
	q := &Queue{
		backlog: backlog, report: report, counts: newCounters(), wake: make(chan struct{}, 1), done: make(chan finished),
		lanes: map[laneKey]*lane{}, tail: tail{more: true},
	}
	if report == nil {
		q.report = func(DeliveryEvent) {}
	}
	for _, r := range routes {
		if r.Parallel == 0 {
			r.Parallel = DefaultParallel
		}
		q.routes = append(q.routes, &route{Route: r, running: map[*lane]time.Time{}})
	}
	return q
}

// Wake makes the queue look for new deliveries.
func (q *Queue) Wake() {
	select {
	case q.wake <- struct{}{}:
	default: // it is awake
	}
}

// Run forwards until the context ends. What is in flight then may take ten seconds more.
func (q *Queue) Run(ctx context.Context) { q.run(ctx, false) }

// Drain forwards what waits until all of it is accepted or was tried in vain.
func (q *Queue) Drain(ctx context.Context) { q.run(ctx, true) }

func (q *Queue) run(ctx context.Context, drain bool) {
	working, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	again := time.NewTicker(lookAgain)
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
	defer time.AfterFunc(drainTime, cancel).Stop()
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

// start begins what is due, and returns how long until more is.
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

// running returns how many deliveries an app has right now.
func (q *Queue) running() (n int) {
	for _, r := range q.routes {
		n += len(r.running)
	}
	return n
}

// finished is what became of the delivery of a lane.
type finished struct {
	lane  *lane
	again time.Duration // 0 if it is done
}

// finishOthers finishes all that has ended by now, so that reading delays none of it.
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
	l, r, now := f.lane, f.lane.key.route, time.Now()
	l.slow = now.Sub(r.running[l]) > slowAfter
	delete(r.running, l)
	switch {
	case f.again > 0:
		l.due = now.Add(f.again)
	case !q.advance(context.WithoutCancel(ctx), l, now):
		delete(q.lanes, l.key)
		return
	}
	heap.Push(r.lanes(l), l)
}

// forward tries one delivery, and returns after how long it is to be tried again; 0 if it is done.
func (q *Queue) forward(ctx context.Context, app App, id int64) time.Duration {
	e, err := q.backlog.Get(ctx, id)
	switch {
	case errors.Is(err, journal.ErrNotFound):
		return 0 // it was purged
	case errors.Is(err, journal.ErrDamaged):
		return q.record(ctx, app, e, Answer{Status: noAnswer, Err: err, Gone: true}, id)
	case err != nil:
		return minBackoff
	case e.State != journal.Pending:
		return 0 // another program has finished it
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

// record stores the outcome of an attempt. It retries while the journal cannot be written, so that an accepted delivery
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

// matches reports whether a name matches a pattern with "*" and "?", without case. A slash has no special meaning.
func matches(pattern, name string) bool {
	fits, err := path.Match(strings.ToLower(pattern), strings.ToLower(strings.ReplaceAll(name, "/", "_")))
	return err == nil && fits
}
