package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
	"unique"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

const (
	// maxBodyBytes is how much of the bodies is held in memory; the others are read from the stream when they are needed.
	maxBodyBytes = 64 << 20
	// pollPause is the time between two requests for the unacknowledged messages.
	pollPause = 50 * time.Millisecond
)

// The acknowledgments of a message: done, in progress, and returned. Source: ADR-13 of NATS.
const (
	ackDone     = "+ACK"
	ackProgress = "+WPI"
	ackReturned = "-NAK"
)

// Backlog has the open deliveries of one turn of the active copy. It has the methods of a journal that a queue needs.
type Backlog struct {
	consumer *Consumer
	pin      string
	turn     uint64          // the begin of the turn in the stream of parked deliveries
	ctx      context.Context // ends with the turn
	end      context.CancelFunc
	crowded  chan struct{} // wakes the parker

	mu     sync.Mutex
	open   *index
	window []int64 // the sorted IDs of the unacknowledged messages
	bytes  int     // of bodies in memory
	// batches has the batches of parked deliveries by their ID.
	batches map[int64]*batch
	// complete reports whether all open deliveries are in the index. Nothing is forwarded before, or an object could lose
	// its order.
	complete bool
	arrived  func()
}

func newBacklog(ctx context.Context, c *Consumer, pin string) *Backlog {
	b := &Backlog{consumer: c, pin: pin, open: newIndex(), batches: map[int64]*batch{}, crowded: make(chan struct{}, 1), arrived: func() {}}
	b.ctx, b.end = context.WithCancel(ctx)
	return b
}

// Notify sets the function that is called whenever there may be more to forward.
func (b *Backlog) Notify(arrived func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.arrived = arrived
}

func (b *Backlog) lose() { b.end() }

// begin hands the turn over, and starts to renew it.
func (b *Backlog) begin(ctx context.Context) {
	go b.load()
	go b.extendLoop()
	select {
	case b.consumer.turn <- b:
	case <-b.ctx.Done():
	case <-ctx.Done():
	}
}

// load waits until all open deliveries are in the index: those that are parked, and those that an earlier turn left
// unacknowledged, which the server delivers again, but perhaps after newer ones.
func (b *Backlog) load() {
	if err := b.loadParked(b.ctx); err != nil {
		if errors.Is(err, ErrRefused) || b.consumer.stream.refused.Load() != nil {
			b.consumer.fail(fmt.Errorf("%w: the stream of parked deliveries: %w", ErrRefused, err))
		}
		b.lose()
		return
	}
	again := time.NewTicker(pollPause)
	defer again.Stop()
	for {
		ctx, cancel := context.WithTimeout(b.ctx, askLimit)
		info, err := b.consumer.consumer.Info(ctx)
		cancel()
		if err == nil && b.completeWith(info) {
			b.parkLoop()
			return
		}
		select {
		case <-again.C:
		case <-b.ctx.Done():
			return
		}
	}
}

// completeWith reports whether all messages that are unacknowledged on the server were received: the numbers agree.
func (b *Backlog) completeWith(info *jetstream.ConsumerInfo) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	// The number of the server excludes later deliveries.
	last := number(info.Delivered.Stream)
	received := countUpTo(b.window, last)
	for _, to := range b.batches {
		if to.anchor != "" && to.id <= last {
			received++
		}
	}
	if received != info.NumAckPending {
		return false
	}
	b.complete = true
	b.closeBatches()
	b.arrived()
	b.parkMore()
	return true
}

// extendLoop marks the messages in the window as in progress, so that the server does not deliver them again.
func (b *Backlog) extendLoop() {
	again := time.NewTicker(b.consumer.o.Takeover / 4)
	defer again.Stop()
	for {
		select {
		case <-b.ctx.Done():
			return
		case <-again.C:
		}
		b.answerAll(ackProgress) // one that is lost is repeated in time
	}
}

// giveBack returns unacknowledged messages, so that they are redelivered immediately, to this copy or another.
func (b *Backlog) giveBack() { b.answerAll(ackReturned) } // one that is lost is delivered again a little later

// answerAll sends an acknowledgment for each message that is unacknowledged, in the window the oldest first.
func (b *Backlog) answerAll(answer string) {
	b.mu.Lock()
	replies := make([]string, len(b.window))
	for i, id := range b.window {
		replies[i] = b.open.byID[id].message.reply
	}
	for _, to := range b.batches {
		if to.anchor != "" {
			replies = append(replies, to.anchor)
		}
	}
	b.parkMore()
	b.mu.Unlock()
	for _, reply := range replies {
		_ = b.consumer.stream.conn.Publish(reply, []byte(answer))
	}
}

// receive adds the delivery of a message.
func (b *Backlog) receive(m jetstream.Msg) {
	meta, err := m.Metadata()
	if err != nil {
		return // not a message of the stream
	}
	e := entry(meta.Sequence.Stream, m.Subject(), m.Headers(), m.Data(), meta.Timestamp)
	if !b.consumer.o.Takes(e.Event) {
		_ = m.Ack() // one that is lost is delivered again
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch known := b.open.byID[e.ID]; {
	case b.batches[e.ID] != nil:
		b.batches[e.ID].anchor = m.Reply()
	case known == nil:
		b.addMessage(e, m.Reply(), meta.NumDelivered)
	case known.message == nil:
		_ = m.Ack() // it is parked
	default:
		known.message.reply = m.Reply()
	}
}

// addMessage adds a delivery to the window. Mu is held.
func (b *Backlog) addMessage(e journal.Entry, reply string, delivered uint64) {
	m := &windowMessage{reply: reply}
	if b.bytes+len(e.Body) <= maxBodyBytes {
		b.bytes += len(e.Body)
		m.entry = &e
	}
	b.open.add(&openDelivery{
		id: e.ID, object: e.ObjectID, event: unique.Make(e.Event), attempts: int(min(delivered-1, 1<<20)), triesRead: delivered <= 1,
		message: m,
	})
	b.window = inserted(b.window, e.ID)
	b.arrived()
	b.parkMore()
}

// addParked adds a delivery of a batch. It may be in the window too, if its acknowledgment was lost. Mu is held.
func (b *Backlog) addParked(d parkedDelivery, to *batch) {
	if !b.consumer.o.Takes(d.Event) {
		return
	}
	known := b.open.byID[d.ID]
	if known == nil {
		b.open.add(&openDelivery{id: d.ID, object: d.Object, event: unique.Make(d.Event), batch: to})
		return
	}
	if known.message != nil {
		_ = b.consumer.stream.conn.Publish(known.message.reply, []byte(ackDone)) // one that is lost is delivered again
	}
	known.batch = to
	b.leaveWindow(known)
}

// leaveWindow forgets the message of a delivery. Mu is held.
func (b *Backlog) leaveWindow(d *openDelivery) {
	if d.message == nil {
		return
	}
	if d.message.entry != nil {
		b.bytes -= len(d.message.entry.Body)
	}
	d.message = nil
	b.window = without(b.window, d.id)
}
