package listen

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/tlxhook/tlxhook/pkg/exporter"
	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/loopback"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// purgeInterval is how often old deliveries are deleted.
const purgeInterval = time.Hour

// catchUpInterval is how often outdated deliveries are marked.
const catchUpInterval = 10 * time.Second

// Run receives until ctx ends or Until is met, and then drains. A canceled ctx is success at every step.
func (l *Listener) Run(parent context.Context) error {
	ctx, stop := context.WithCancel(parent)
	defer stop()
	defer l.endTunnel() // also in a panic
	l.stop = stop
	err := inOrder(ctx, l.receive, l.startParts, l.announce, l.subscribe, l.startProbes, l.watchTunnel, l.ready, l.wait)
	stop()
	return l.outcome(errors.Join(err, l.drain(context.WithoutCancel(ctx))))
}

// receive starts to answer deliveries.
func (l *Listener) receive(ctx context.Context) error {
	serving, end := context.WithCancel(context.WithoutCancel(ctx))
	l.endServe, l.served = end, make(chan struct{})
	go func() {
		defer close(l.served)
		l.serveErr = receiver.Serve(serving, l.socket, l.handler())
	}()
	return nil
}

// startParts starts the parts that run beside receiving and outlive it.
func (l *Listener) startParts(ctx context.Context) error {
	working, end := context.WithCancel(context.WithoutCancel(ctx))
	l.endWork = end
	if l.queue != nil {
		l.parts.Go(func() { l.queue.Run(working) })
	}
	if l.journal != nil {
		l.parts.Go(func() { l.catchUpLoop(working) })
	}
	if l.journal != nil && l.o.Journal.Retention > 0 {
		l.parts.Go(func() { l.purgeLoop(working) })
	}
	l.parts.Go(func() { receiver.Watchdog(working, l.Lookup, l.healthy) })
	numbers := exporter.Receiver{Receiving: l.receiver.Stats}
	if l.journal != nil {
		numbers.Journal = l.journal.Stats
	}
	if l.queue != nil {
		numbers.Forwarding = l.queue.Stats
	}
	if err := l.servePage(working); err != nil {
		return err
	}
	return l.serveMetrics(working, numbers, l.healthy, l.temporary.reachable)
}

// announce prints the address and the handling of deliveries.
func (l *Listener) announce(ctx context.Context) error {
	l.Note("listening on %s", l.ownURL())
	defer l.Note("Ready. Press Ctrl-C to quit.")
	switch {
	case l.stream != nil:
		l.Note("publishing to the stream %s", l.o.Stream.Name)
		return nil
	case l.queue == nil:
		l.Note("storing in %s, not forwarding: no app is configured", l.o.Journal.Folder)
		return nil
	}
	l.Note("storing in %s", l.o.Journal.Folder)
	l.announceApps()
	stats, err := l.journal.Stats(ctx)
	if err == nil && stats.Waiting > 0 {
		l.Note("%s pending; list with %s", terminal.Count(stats.Waiting, "stored delivery"), l.o.ListPending)
	}
	return err
}

// wait returns once ctx ends, serving fails, or the stream is lost permanently. Drain returns the failure of serving.
func (l *Listener) wait(ctx context.Context) error {
	var lost <-chan error
	if l.stream != nil {
		lost = l.stream.Closed()
	}
	select {
	case <-ctx.Done():
	case <-l.served:
	case err := <-lost:
		return err
	}
	return nil
}

// drain ends the parts in the order in which nothing is lost: subscriptions are deleted, deliveries in flight are
// answered, forwarding is finished.
func (l *Listener) drain(ctx context.Context) error {
	_ = receiver.Notify(ctx, l.Lookup, "STOPPING=1") // the manager waits without it
	l.watching.Wait()
	err := l.unsubscribe(ctx)
	if l.served != nil {
		l.endServe()
		<-l.served
		l.receiver.Flush()
		if l.serveErr != nil && err == nil {
			err = fmt.Errorf("%w: %w", ErrReceive, l.serveErr)
		}
	}
	if l.endWork != nil {
		l.endWork()
	}
	l.parts.Wait()
	l.notePending(ctx)
	return err
}

// notePending notes how many stored deliveries remain to be forwarded.
func (l *Listener) notePending(ctx context.Context) {
	if l.journal == nil {
		return
	}
	if stats, err := l.journal.Stats(ctx); err == nil && stats.Waiting > 0 {
		l.Note("%s pending; list with %s", terminal.Count(stats.Waiting, "delivery"), l.o.ListPending)
	}
}

// catchUpLoop notes the versions of objects, which marks outdated deliveries. That is not done while they are received,
// where it would cost each of them time.
func (l *Listener) catchUpLoop(ctx context.Context) {
	for wait.For(ctx, catchUpInterval) == nil {
		_ = l.journal.CatchUp(ctx) // a failure is retried the next time
	}
}

// purgeLoop deletes settled deliveries that are older than the retention, at the start and every hour.
func (l *Listener) purgeLoop(ctx context.Context) {
	for ctx.Err() == nil {
		if err := l.purge(ctx); err != nil && ctx.Err() == nil {
			l.Note("warning: old deliveries could not be deleted: %v", err)
		}
		_ = wait.For(ctx, purgeInterval)
	}
}

func (l *Listener) purge(ctx context.Context) error {
	old := journal.Filter{
		States: []journal.State{journal.Forwarded, journal.Dead}, Before: time.Now().Add(-l.o.Journal.Retention),
	}
	purged, err := l.journal.Purge(ctx, old, nil)
	if err == nil && purged > 0 {
		err = errors.Join(l.journal.Shrink(ctx), l.journal.KeepReserve())
	}
	return err
}

// handler returns the receiver. One that verifies nothing is protected from web pages.
func (l *Listener) handler() http.Handler {
	if len(l.o.Secrets) > 0 || l.o.AuthValue != "" {
		return l.receiver
	}
	return loopback.ProtectAt(l.socket.Addr(), l.receiver)
}
