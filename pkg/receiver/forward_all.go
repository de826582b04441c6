package receiver

import (
	"context"
	"sync"
	"sync/atomic"
)

// silentAttempts is the number of consecutive attempts without an answer after which ForwardAll stops.
const silentAttempts = 24

// ForwardAll forwards the pending deliveries of a backlog to an app, with one attempt each, and returns the number of
// accepted deliveries. It stops with ErrSilent if the app does not answer, and with the cause if ctx ends. Attempted is
// called after each attempt.
func ForwardAll(ctx context.Context, backlog Backlog, app App, attempted func()) (accepted int64, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var done, silent atomic.Int64
	var mu sync.Mutex // deliveries of several objects are forwarded concurrently
	queue := NewQueue(backlog, []Route{{Event: "*", App: app}}, func(e DeliveryEvent) {
		mu.Lock()
		attempted()
		mu.Unlock()
		switch {
		case e.Kind == KindLoop:
			cancel(e.Answer.Err)
		case e.Kind == KindForwarded:
			done.Add(1)
			silent.Store(0)
		case e.Answer.Status != noAnswer:
			silent.Store(0)
		case silent.Add(1) >= silentAttempts:
			cancel(ErrSilent)
		}
	})
	queue.Drain(ctx)
	return done.Load(), context.Cause(ctx)
}
