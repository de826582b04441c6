package cli

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
)

// mostSilent is how many tries in a row may get no answer before forwarding is left to a later run.
const mostSilent = 24

var errSilentApp = errors.New("the app does not answer")

// forward hands what waits in the journal to the app, unless another program does that.
func (b *backfilling) forward(ctx context.Context, to receiver.App, alone bool) error {
	if b.options.report {
		return nil
	}
	waiting, err := b.journal.Count(ctx, journal.Filter{States: []journal.State{journal.Pending}})
	switch {
	case err != nil || waiting == 0:
		return err
	case to == nil:
		b.app.note("%s in the journal for tlxhook listen to forward; --forward-to does it where none runs", deliveries(waiting))
		return nil
	case !alone:
		b.app.note("%s in the journal for the tlxhook listen that uses it: it forwards, and not this run", deliveries(waiting))
		return nil
	}
	progress := b.app.terminal.NewProgress(int(waiting))
	defer progress.End()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var accepted, refused, silent atomic.Int64
	queue := receiver.NewQueue(b.journal, []receiver.Route{{Event: "*", App: to}}, func(o receiver.DeliveryEvent) {
		progress.Step()
		switch {
		case o.Kind == receiver.KindForwarded:
			accepted.Add(1)
			silent.Store(0)
			return
		case o.Answer.Status >= 0:
			silent.Store(0)
		case silent.Add(1) >= mostSilent:
			cancel(errSilentApp)
		}
		refused.Add(1)
	})
	queue.Drain(ctx)
	progress.End()
	return b.forwarded(ctx, accepted.Load())
}

// forwarded says what was accepted, and returns an error where something was not.
func (b *backfilling) forwarded(ctx context.Context, accepted int64) error {
	left, err := b.journal.Count(context.WithoutCancel(ctx), journal.Filter{States: []journal.State{journal.Pending}})
	if err != nil {
		return err
	}
	b.app.note("%d of %s accepted", accepted, deliveries(accepted+left))
	cause := context.Cause(ctx)
	switch {
	case left == 0:
		return nil
	case cause != nil && !errors.Is(cause, errSilentApp):
		return fmt.Errorf("stopped with %s to be forwarded: %w", deliveries(left), cause)
	}
	why := fmt.Errorf("the app has not accepted %s", deliveries(left))
	hint := "they wait in the journal: the same command goes on with them, as does tlxhook listen"
	if accepted == 0 {
		return fail(codeUnavailable, why).withHint("%s; is the app running, and the URL right?", hint)
	}
	return fail(codePartial, why).withHint("%s", hint)
}
