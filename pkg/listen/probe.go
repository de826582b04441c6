package listen

import (
	"context"
	"time"

	"github.com/tlxhook/tlxhook/pkg/tunnel"
)

// firstProbe verifies that the public URL leads here. A new one may need time until it does.
func (l *Listener) firstProbe(ctx context.Context) error {
	return l.reach(ctx, l.temporary.publicURL())
}

func (l *Listener) reach(ctx context.Context, public string) error {
	probe := func(ctx context.Context) error { return l.receiver.Probe(ctx, public, l.o.Secrets[0]) }
	return tunnel.Reach{Probe: probe, Task: l.task, Note: l.Note}.Await(ctx, public)
}

func (l *Listener) probe(ctx context.Context) error {
	return l.receiver.Probe(ctx, l.temporary.publicURL(), l.o.Secrets[0])
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

// reachable returns an error if deliveries do not arrive.
func (e *ephemeral) reachable() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.unreachable
}
