package tunnel

import (
	"context"
	"time"
)

// Watch starts the program again with back-off whenever it ends, until ctx ends, and then returns. It calls moved with
// the new URL if that has changed; moved is called again later while it returns an error.
func (t *Tunnel) Watch(ctx context.Context, moved func(context.Context, string) error) {
	w := watch{Tunnel: t, accepted: t.url, delay: firstBackoff, since: time.Now()}
	for t.pause(ctx, watchInterval) {
		w.check(ctx)
		if w.accepted != t.url && moved(ctx, t.url) == nil {
			w.accepted = t.url
		}
	}
}

// watch is the state of a [Tunnel] that is watched.
type watch struct {
	*Tunnel

	accepted string        // the last URL that moved returned no error for
	delay    time.Duration // before the next restart
	since    time.Time     // of the last start
}

// pause waits, or until the program or ctx ends. It reports whether ctx goes on.
func (t *Tunnel) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-t.ended():
	case <-timer.C:
	}
	return ctx.Err() == nil
}

// check restarts a program that has ended, and asks a running one for its URL.
func (w *watch) check(ctx context.Context) {
	if w.running(ctx) {
		return
	}
	if time.Since(w.since) > steadyAfter {
		w.delay = firstBackoff
	}
	w.o.Note("warning: %s ended; restarting in %s", w.Name(), w.delay)
	w.process = nil
	if !w.pause(ctx, w.delay) {
		return
	}
	w.delay, w.since = min(2*w.delay, maxBackoff), time.Now()
	limited, cancel := context.WithTimeout(ctx, StartLimit)
	defer cancel()
	switch _, err := w.connect(limited); {
	case ctx.Err() != nil:
	case err != nil:
		w.o.Note("warning: %v", err)
	default:
		w.o.Note("Restarted %s", w.Name())
	}
}

// running reports whether the program runs, and remembers its URL. Without a program it reports whether a running agent
// still has the tunnel.
func (w *watch) running(ctx context.Context) bool {
	select {
	case <-w.ended():
		return false
	default:
	}
	public, err := w.ask(ctx)
	if err == nil && public != "" {
		w.url = public
		return true
	}
	return w.process != nil // it may be connecting again
}
