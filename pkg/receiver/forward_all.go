package receiver

import (
	"context"
	"sync"
	"sync/atomic"
)

// silentAttempts is how many attempts in a row may get no answer before ForwardAll stops.
const silentAttempts = 24

// ForwardAll forwards the pending deliveries of a backlog to an app, trying each once, and returns how many the app
// accepted. It stops with ErrSilent where the app does not answer, and with the cause where ctx ends. Attempted is
// called after each attempt.
func ForwardAll(ctx context.Context, backlog Backlog, app App, attempted func()) (accepted int64, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var done, silent atomic.Int64
	var mu sync.Mutex // deliveries of several objects are forwarded at once
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
