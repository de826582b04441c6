package listen

import (
	"context"
	"time"
)

// firstProbe probes the public URL until a probe arrives or firstProbes have failed.
func (l *Listener) firstProbe(ctx context.Context) (err error) {
	for n := range firstProbes {
		if err = l.probe(ctx); err == nil || ctx.Err() != nil {
			return err
		}
		if n == 0 {
			l.Note("%v; retrying for %s", err, firstProbes*firstProbeDelay)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(firstProbeDelay):
		}
	}
	return err
}

func (l *Listener) probe(ctx context.Context) error {
	return l.receiver.Probe(ctx, l.o.Subscribe.PublicURL, l.o.Secrets[0])
}

// startProbes starts probeLoop if there are subscriptions.
func (l *Listener) startProbes(ctx context.Context) error {
	if l.temporary.note != nil {
		l.parts.Go(func() { l.probeLoop(ctx) })
	}
	return nil
}

// probeLoop probes the public URL periodically and warns on failure.
func (l *Listener) probeLoop(ctx context.Context) {
	tick := time.NewTicker(l.o.Subscribe.ProbeInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := l.probe(ctx)
		if ctx.Err() != nil {
			return
		}
		before := l.temporary.probed(err)
		switch {
		case err != nil && before == nil:
			l.Note("warning: %v", err)
		case err == nil && before != nil:
			l.Note("deliveries arrive again")
		}
	}
}

// probed stores the result of a probe and returns the one before.
func (e *ephemeral) probed(err error) (before error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	before, e.unreachable = e.unreachable, err
	return before
}

// reachable returns why deliveries do not arrive, or nil.
func (e *ephemeral) reachable() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.unreachable
}
