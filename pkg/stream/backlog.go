package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

// Waiting returns the open deliveries after an ID, the oldest first, without content.
func (b *Backlog) Waiting(_ context.Context, after int64, limit int) ([]journal.Entry, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.page(b.open.ids, after, limit), nil
}

// WaitingOf returns those of one object, see [Backlog.Waiting].
func (b *Backlog) WaitingOf(_ context.Context, object journal.ObjectKey, after int64, limit int) ([]journal.Entry, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.page(b.open.objects[object], after, limit), nil
}

// page returns deliveries of sorted IDs. Mu is held.
func (b *Backlog) page(ids []int64, after int64, limit int) []journal.Entry {
	if !b.complete {
		return nil
	}
	return b.open.page(ids, after, limit)
}

// WaitingEvents returns the events that have open deliveries.
func (b *Backlog) WaitingEvents(context.Context) ([]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open.events(), nil
}

// WaitingOn returns the oldest open delivery of an event for each object, by object ID from one on. What came after the
// last call of WaitingEvents may be missing.
func (b *Backlog) WaitingOn(_ context.Context, event string, object int64, limit int) ([]journal.Entry, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.complete {
		return nil, nil
	}
	return b.open.objectsOf(event, object, limit), nil
}

// LastWaiting returns the highest ID of an open delivery; 0 without any.
func (b *Backlog) LastWaiting(context.Context) (int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.complete {
		return 0, nil
	}
	return b.open.last(), nil
}

// Get returns a delivery with its content. It waits while the delivery is being parked.
func (b *Backlog) Get(ctx context.Context, id int64) (journal.Entry, error) {
	d, err := b.claim(id)
	if err != nil {
		return journal.Entry{}, err
	}
	if err := b.readTries(ctx, d); err != nil {
		return journal.Entry{}, err
	}
	b.mu.Lock()
	e, cached := d.summary(), (*journal.Entry)(nil)
	if d.message != nil {
		cached = d.message.entry
	}
	b.mu.Unlock()
	if cached != nil {
		e.Delivery = cached.Delivery
	} else if e.Delivery, err = b.content(ctx, d.id); err != nil {
		return e, err
	}
	e.Origin = b.consumer.stream.ID()
	return e, nil
}

// claim returns a delivery for an attempt.
func (b *Backlog) claim(id int64) (*openDelivery, error) {
	for {
		b.mu.Lock()
		d := b.open.byID[id]
		if d == nil || b.ctx.Err() != nil {
			b.mu.Unlock()
			return nil, fmt.Errorf("%w %d", journal.ErrNotFound, id)
		}
		to, waiting := d.batch, d.message != nil
		if to == nil && waiting {
			d.message.busyUntil = time.Now().Add(busyTime)
		}
		b.mu.Unlock()
		if to == nil || !waiting {
			return d, nil
		}
		b.awaitStored(to)
	}
}

// awaitStored waits until a batch is stored, or the turn has ended.
func (b *Backlog) awaitStored(to *batch) {
	select {
	case <-to.stored:
	case <-b.ctx.Done():
	}
}

// content reads a delivery from the stream.
func (b *Backlog) content(ctx context.Context, id int64) (journal.Delivery, error) {
	m, err := b.consumer.stream.stream.GetMsg(ctx, sequence(id))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		err = fmt.Errorf("%w %d: it is older than the retention of the stream", journal.ErrDamaged, id)
	}
	if err != nil {
		return journal.Delivery{}, err
	}
	return entry(m.Sequence, m.Subject, m.Header, m.Data, m.Time).Delivery, nil
}

// Claim reports true: only the active copy forwards open deliveries, one attempt at a time.
func (b *Backlog) Claim(int64) bool { return true }

// Release does nothing, see [Backlog.Claim].
func (b *Backlog) Release(int64) {}

// Mark stores the outcome of an attempt. A dead delivery is stored with the dead letters first.
func (b *Backlog) Mark(ctx context.Context, id int64, a journal.Attempt) error {
	b.mu.Lock()
	d := b.open.byID[id]
	b.mu.Unlock()
	if d == nil {
		return nil
	}
	if a.State == journal.Pending {
		b.failed(d, a)
		return nil
	}
	if a.State == journal.Dead {
		if err := b.storeDeadLetter(ctx, id, a.Outcome); err != nil {
			return err
		}
	}
	if err := b.finish(ctx, d); err != nil {
		b.lose() // the state of the server is uncertain: the next turn reads it first
		return err
	}
	b.remove(d)
	return nil
}

// failed notes an attempt after which the delivery is to be tried again.
func (b *Backlog) failed(d *openDelivery, a journal.Attempt) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d.attempts, d.lastAttempt, d.tried, d.triesRead = d.attempts+1, a.At, a.Tried, true
	if d.message != nil {
		d.message.busyUntil = time.Time{}
	}
	b.parkMore()
	b.noteTries(d)
}

// finish stores that a delivery is done.
func (b *Backlog) finish(ctx context.Context, d *openDelivery) error {
	b.mu.Lock()
	to := d.batch
	b.mu.Unlock()
	if to != nil {
		b.awaitStored(to)
	}
	b.mu.Lock()
	reply := ""
	if d.message != nil {
		reply = d.message.reply
	}
	b.mu.Unlock()
	if reply != "" {
		if err := b.acknowledge(ctx, reply); err != nil {
			return err
		}
	}
	if to != nil {
		return b.consumer.finishParked(ctx, to, d.id)
	}
	return nil
}

// remove removes a delivery that is done, and its batch if it is the last one of that.
func (b *Backlog) remove(d *openDelivery) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.leaveWindow(d)
	b.open.remove(d)
	b.parkMore()
	if d.batch == nil {
		return
	}
	if d.batch.open--; d.batch.open == 0 {
		b.closeBatches()
	}
}
