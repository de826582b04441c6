package stream

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/tlxhook/tlxhook/pkg/wait"
)

// Parking moves an open delivery out of the window of the consumer, so that a dead app does not fill it: its ID, event
// and object are stored in another stream, then its message is acknowledged. Order and attempts do not change.

const (
	// maxParked is the number of parked deliveries, about 200 bytes of memory each.
	maxParked = 1_000_000
	// batchSize is the number of deliveries that are parked at once.
	batchSize = 1000
	// maxParkedEvent is the length in bytes of the longest event that is parked, so that a batch fits into a message.
	maxParkedEvent = 1024
	// busyTime is longer than any attempt to forward. A delivery is not parked during one.
	busyTime = time.Minute
	// maxAnchors is the number of batches from which on new ones have no anchor.
	maxAnchors = 4
	// fullPause is the time between two attempts to park while the disk is full.
	fullPause = 5 * time.Second
)

// parkMore makes the parker look at the window. Mu is held.
func (b *Backlog) parkMore() {
	if !b.complete || len(b.window) <= b.consumer.window/2 {
		return
	}
	select {
	case b.crowded <- struct{}{}:
	default:
	}
}

// parkLoop parks the oldest deliveries whenever more than half of the window is in use, until the turn ends.
func (b *Backlog) parkLoop() {
	for {
		select {
		case <-b.crowded:
		case <-b.ctx.Done():
			return
		}
		for all := b.choose(); len(all) > 0; all = b.choose() {
			if err := b.park(all); isFull(err) {
				b.keepInWindow(all)
				_ = wait.For(b.ctx, fullPause)
			} else if err != nil {
				b.lose() // the stored state is uncertain: the next turn reads it first
				return
			}
		}
	}
}

// choose returns the oldest deliveries to park, as a batch that is not stored yet.
func (b *Backlog) choose() (all []*openDelivery) {
	b.mu.Lock()
	defer b.mu.Unlock()
	size, now := min(batchSize, len(b.window)-b.consumer.window/4), time.Now()
	if len(b.window) <= b.consumer.window/2 || len(b.open.byID)-len(b.window) >= maxParked {
		return nil
	}
	for _, id := range b.window {
		d := b.open.byID[id]
		if !now.Before(d.message.busyUntil) && len(d.event.Value()) <= maxParkedEvent {
			all = append(all, d)
		}
		if len(all) == size {
			break
		}
	}
	if len(all) == 0 {
		return nil
	}
	to := &batch{id: all[0].id, open: len(all), stored: make(chan struct{})}
	for _, d := range all {
		d.batch = to
	}
	return all
}

// keepInWindow undoes choose.
func (b *Backlog) keepInWindow(all []*openDelivery) {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(all[0].batch.stored)
	for _, d := range all {
		d.batch = nil
	}
}

// park stores a batch and then acknowledges its messages. No attempt of these deliveries begins before the end.
func (b *Backlog) park(all []*openDelivery) error {
	records := make([]parkedDelivery, len(all))
	for i, d := range all {
		records[i] = parkedDelivery{d.id, d.event.Value(), d.object}
	}
	if err := b.consumer.storeBatch(b.ctx, b.turn, records); err != nil {
		return err
	}
	if err := b.acknowledge(b.ctx, b.parkedReplies(all)...); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range all {
		b.leaveWindow(d)
	}
	close(all[0].batch.stored)
	b.closeBatches()
	return nil
}

// parkedReplies adds a batch, and returns the acknowledgments of its messages without the anchor.
func (b *Backlog) parkedReplies(all []*openDelivery) (replies []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	to := all[0].batch
	b.batches[to.id] = to
	for i, d := range all {
		switch {
		case d.message == nil: // it was acknowledged
		case i == 0 && b.anchors() < maxAnchors:
			to.anchor = d.message.reply
		default:
			replies = append(replies, d.message.reply)
		}
	}
	return replies
}

// anchors returns the number of batches with an anchor. Mu is held.
func (b *Backlog) anchors() (n int) {
	for _, to := range b.batches {
		if to.anchor != "" && !to.closing {
			n++
		}
	}
	return n
}

// acknowledge acknowledges messages, and waits until the server has processed the last: it processes those of a
// connection in order.
func (b *Backlog) acknowledge(ctx context.Context, replies ...string) error {
	if len(replies) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	conn, last := b.consumer.stream.conn, len(replies)-1
	for _, reply := range replies[:last] {
		if err := conn.Publish(reply, []byte(ackDone)); err != nil {
			return explain("acknowledge a delivery", err)
		}
	}
	_, err := conn.RequestMsgWithContext(ctx, &nats.Msg{Subject: replies[last], Data: []byte(ackDone)})
	return explain("acknowledge a delivery", err)
}

// loadParked adds the parked deliveries of earlier turns. Those that this copy has no app for stay parked.
func (b *Backlog) loadParked(ctx context.Context) (err error) {
	if b.turn, err = b.consumer.beginTurn(ctx); err != nil {
		return err
	}
	batches, err := b.consumer.readParked(ctx, b.turn)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	placed := map[int64]*batch{}
	var all []parkedDelivery
	for first, deliveries := range batches {
		to := &batch{id: first, open: len(deliveries), stored: make(chan struct{})}
		close(to.stored)
		b.batches[first] = to
		if d := b.open.byID[first]; d != nil && d.message != nil {
			to.anchor = d.message.reply
			b.leaveWindow(d)
			b.open.remove(d)
		}
		for _, d := range deliveries {
			all, placed[d.ID] = append(all, d), to
		}
	}
	// In order each one is appended to the index. In the random order of a map each one would move half of it.
	slices.SortFunc(all, func(a, b parkedDelivery) int { return cmp.Compare(a.ID, b.ID) })
	for _, d := range all {
		b.addParked(d, placed[d.ID])
	}
	return nil
}

// closeBatches closes the batches whose deliveries are done, but for the last anchor of the others. Mu is held.
func (b *Backlog) closeBatches() {
	anchors, open := b.anchors(), false
	for _, to := range b.batches {
		open = open || to.open > 0
	}
	for _, to := range b.batches {
		if to.open > 0 || to.closing || open && to.anchor != "" && anchors == 1 {
			continue
		}
		if to.anchor != "" {
			anchors--
		}
		to.closing = true
		go b.closeBatch(to.id, to.anchor)
	}
}

// closeBatch acknowledges the anchor of a batch, and deletes it. If that fails, the next turn does it.
func (b *Backlog) closeBatch(id int64, anchor string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(b.ctx), askLimit)
	defer cancel()
	if anchor != "" && b.acknowledge(ctx, anchor) != nil {
		return
	}
	if b.consumer.deleteBatch(ctx, id) != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.batches, id)
}
