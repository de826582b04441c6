package listen

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/tlxhook/tlxhook/pkg/receiver"
)

// ErrClose means that the journal could not be closed.
var ErrClose = errors.New("close the journal")

// Process is a [Listener] or a [Forwarder].
type Process interface {
	Open(ctx context.Context) error
	Run(ctx context.Context) error
	Close() error
}

// queueSize is the number of events that wait for a slow reader.
const queueSize = 4096

// Queue passes the events of a process to a reader that may be slow. Receiving never waits for it: events that do not
// fit into the queue are dropped and counted.
type Queue struct {
	show    func(e receiver.DeliveryEvent, dropped int64) error
	events  chan receiver.DeliveryEvent
	ended   chan struct{}
	shown   sync.WaitGroup
	dropped atomic.Int64
}

// NewQueue returns a queue that calls show with each event and the number of events dropped since the last call.
func NewQueue(show func(e receiver.DeliveryEvent, dropped int64) error) *Queue {
	return &Queue{show: show, events: make(chan receiver.DeliveryEvent, queueSize), ended: make(chan struct{})}
}

// Report queues an event without blocking. It drops the body, so that waiting events stay small.
func (q *Queue) Report(e receiver.DeliveryEvent) {
	e.Body = nil
	select {
	case q.events <- e:
	default:
		q.dropped.Add(1)
	}
}

// Run opens a process, runs it in the context that limit returns, shows all its events, and closes it. An error of show
// stops it. Events that an aborted sender causes later are not shown.
func (q *Queue) Run(ctx context.Context, p Process, limit func(context.Context) (context.Context, context.CancelFunc)) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	q.shown.Go(func() { q.showAll(stop) })
	err := p.Open(ctx)
	if err == nil {
		limited, cancel := limit(ctx)
		defer cancel()
		err = p.Run(limited)
	}
	close(q.ended)
	q.shown.Wait()
	if closeErr := p.Close(); err == nil && closeErr != nil {
		err = fmt.Errorf("%w: %w", ErrClose, closeErr)
	}
	return err
}

// showAll shows events until the process has ended and the queue is empty. It calls stop if an event cannot be shown.
func (q *Queue) showAll(stop func()) {
	for {
		select {
		case e := <-q.events:
			q.showOne(e, stop)
			continue
		default: // waiting events are shown before the end
		}
		select {
		case e := <-q.events:
			q.showOne(e, stop)
		case <-q.ended:
			return
		}
	}
}

func (q *Queue) showOne(e receiver.DeliveryEvent, stop func()) {
	if q.show(e, q.dropped.Swap(0)) != nil {
		stop()
	}
}
