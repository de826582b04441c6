package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

// mostBytes is how much of the bodies is held in memory; the others are read from the stream when they are needed.
const mostBytes = 64 << 20

// The words by which a message is settled, kept, or given back. Source: ADR-13 of NATS.
const (
	ackDone     = "+ACK"
	ackProgress = "+WPI"
	ackBack     = "-NAK"
)

// Backlog is what one turn of the active copy has to forward. It has the methods of a journal that a queue wants.
type Backlog struct {
	consumer *Consumer
	pin      string
	ctx      context.Context // ends with the turn
	end      context.CancelFunc

	mu      sync.Mutex
	held    map[int64]*held
	order   []int64                       // the ids of what is held, the oldest first
	objects map[journal.ObjectKey][]int64 // the same, of each object
	bytes   int
	whole   bool // all that is unsettled is known, so that the order is too
	arrived func()
}

// held is a delivery that is not settled.
type held struct {
	journal.Entry
	seq   uint64
	reply string // where the server is told what became of it
	size  int
	// known reports whether Tried holds the time of earlier turns.
	known bool
}

func newBacklog(ctx context.Context, c *Consumer, pin string) *Backlog {
	b := &Backlog{consumer: c, pin: pin, held: map[int64]*held{}, objects: map[journal.ObjectKey][]int64{}, arrived: func() {}}
	b.ctx, b.end = context.WithCancel(ctx)
	return b
}

// Notify has a function called whenever there may be more to do.
func (b *Backlog) Notify(arrived func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.arrived = arrived
}

func (b *Backlog) lose() { b.end() }

// begin hands the turn over, and keeps it.
func (b *Backlog) begin(ctx context.Context) {
	go b.know()
	go b.keep()
	select {
	case b.consumer.turn <- b:
	case <-b.ctx.Done():
	case <-ctx.Done():
	}
}

func (b *Backlog) take(m jetstream.Msg) {
	meta, err := m.Metadata()
	if err != nil {
		return // it is no message of the stream
	}
	e := entry(meta.Sequence.Stream, m.Subject(), m.Headers(), m.Data(), meta.Timestamp)
	if !b.consumer.o.Takes(e.Event) {
		_ = m.Ack() // one that is not heard comes again
		return
	}
	e.Attempts = int(min(meta.NumDelivered-1, 1<<20))
	b.mu.Lock()
	defer b.mu.Unlock()
	if known := b.held[e.ID]; known != nil {
		known.reply = m.Reply()
		return
	}
	h := &held{Entry: e, seq: meta.Sequence.Stream, reply: m.Reply()}
	if b.bytes+len(e.Body) <= mostBytes {
		h.size = len(e.Body)
		b.bytes += h.size
	} else {
		h.Body = nil
	}
	b.held[e.ID] = h
	b.order = inserted(b.order, e.ID)
	b.objects[e.Object()] = inserted(b.objects[e.Object()], e.ID)
	b.arrived()
}

// inserted returns sorted IDs with one more.
func inserted(ids []int64, id int64) []int64 {
	i, _ := slices.BinarySearch(ids, id)
	return slices.Insert(ids, i, id)
}

// without returns sorted IDs without one.
func without(ids []int64, id int64) []int64 {
	if i, found := slices.BinarySearch(ids, id); found {
		return slices.Delete(ids, i, i+1)
	}
	return ids
}

// know finds out when all is known that an earlier turn has left unsettled, here or in another copy: it comes again,
// but perhaps after what is newer. Nothing is forwarded before, or an object could lose its order.
func (b *Backlog) know() {
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for {
		ctx, cancel := context.WithTimeout(b.ctx, askLimit)
		info, err := b.consumer.consumer.Info(ctx)
		cancel()
		if err == nil && b.knows(info) {
			return
		}
		select {
		case <-again.C:
		case <-b.ctx.Done():
			return
		}
	}
}

// knows tells whether all that the server has delivered and nobody has settled is held: there are as many.
func (b *Backlog) knows(info *jetstream.ConsumerInfo) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	// What was delivered since the server answered is not in its number.
	count, _ := slices.BinarySearch(b.order, number(info.Delivered.Stream)+1)
	if count == info.NumAckPending {
		b.whole = true
		b.arrived()
	}
	return b.whole
}

// keep tells the server from time to time that what is held is being worked on.
func (b *Backlog) keep() {
	again := time.NewTicker(b.consumer.o.Takeover / 4)
	defer again.Stop()
	for {
		select {
		case <-b.ctx.Done():
			return
		case <-again.C:
		}
		for _, h := range b.all() {
			_ = b.consumer.stream.conn.Publish(h.reply, []byte(ackProgress)) // the next time, or never, if it is not heard
		}
	}
}

// all returns what is held, the oldest first.
func (b *Backlog) all() []held {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]held, len(b.order))
	for i, id := range b.order {
		all[i] = *b.held[id]
	}
	return all
}

// release gives back what was not settled, in its order, so that it comes again at once, here or in another copy.
func (b *Backlog) release() {
	for _, h := range b.all() {
		_ = b.consumer.stream.conn.Publish(h.reply, []byte(ackBack)) // without it, it comes again a little later
	}
}

// Waiting returns what is to be forwarded after an id, the oldest first, without bodies.
func (b *Backlog) Waiting(_ context.Context, after int64, limit int) ([]journal.Entry, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.page(b.order, after, limit), nil
}

// WaitingEvents returns the events that have deliveries to be forwarded.
func (b *Backlog) WaitingEvents(context.Context) ([]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	events := map[string]bool{}
	for _, h := range b.held {
		events[h.Event] = true
	}
	return slices.Sorted(maps.Keys(events)), nil
}

// WaitingOn returns the deliveries of an event that are to be forwarded, by object ID from one on, and the oldest of each
// object first.
func (b *Backlog) WaitingOn(_ context.Context, event string, object int64, limit int) ([]journal.Entry, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := slices.DeleteFunc(b.page(b.order, 0, len(b.order)), func(e journal.Entry) bool {
		return e.Event != event || e.ObjectID < object
	})
	slices.SortStableFunc(all, func(a, b journal.Entry) int { return cmp.Compare(a.ObjectID, b.ObjectID) })
	return all[:min(limit, len(all))], nil
}

// LastWaiting returns the highest ID of a delivery that is to be forwarded; 0 without any.
func (b *Backlog) LastWaiting(context.Context) (int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.order) == 0 || !b.whole {
		return 0, nil
	}
	return b.order[len(b.order)-1], nil
}

// WaitingOf returns those of one object, see [Backlog.Waiting].
func (b *Backlog) WaitingOf(_ context.Context, object journal.ObjectKey, after int64, limit int) ([]journal.Entry, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.page(b.objects[object], after, limit), nil
}

// page returns entries of sorted IDs, without bodies. Mu is held.
func (b *Backlog) page(ids []int64, after int64, limit int) []journal.Entry {
	if !b.whole {
		return nil
	}
	from, _ := slices.BinarySearch(ids, after+1)
	ids = ids[from:min(from+limit, len(ids))]
	waiting := make([]journal.Entry, len(ids))
	for i, id := range ids {
		waiting[i] = b.held[id].Entry
		waiting[i].Body = nil
	}
	return waiting
}

// Get returns a delivery with its body.
func (b *Backlog) Get(ctx context.Context, id int64) (journal.Entry, error) {
	b.mu.Lock()
	h := b.held[id]
	if h == nil || b.ctx.Err() != nil {
		b.mu.Unlock()
		return journal.Entry{}, fmt.Errorf("%w %d", journal.ErrNotFound, id)
	}
	e, known := h.Entry, h.known
	b.mu.Unlock()
	e.Origin = b.consumer.stream.ID()
	if !known && e.Attempts > 0 {
		tried, err := b.tried(ctx, h.seq)
		if err != nil {
			return e, err
		}
		e.Tried = tried
	}
	if e.Body != nil {
		return e, nil
	}
	m, err := b.consumer.stream.stream.GetMsg(ctx, h.seq)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		err = fmt.Errorf("%w %d: it is older than what the stream keeps", journal.ErrDamaged, id)
	}
	if err != nil {
		return e, err
	}
	e.Body = m.Data
	return e, nil
}

// Mark keeps what became of a try: here as long as the delivery is to be tried again, else in the stream. One that is
// given up is stored with the dead letters first.
func (b *Backlog) Mark(ctx context.Context, id int64, a journal.Attempt) error {
	b.mu.Lock()
	h := b.held[id]
	b.mu.Unlock()
	if h == nil {
		return nil
	}
	if a.State == journal.Dead {
		if err := b.bury(ctx, h, a.Outcome); err != nil {
			return err
		}
	}
	if a.State == journal.Dead || a.State == journal.Forwarded {
		if err := b.settle(ctx, h); err != nil {
			return err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	h.Attempts, h.LastAttempt, h.Status, h.Outcome, h.Tried = h.Attempts+1, a.At, a.Status, a.Outcome, a.Tried
	if h.FirstAttempt.IsZero() {
		h.FirstAttempt = a.At
	}
	h.known = true
	if a.State == journal.Pending {
		b.noteTried(h.seq, h.Tried)
		return nil
	}
	b.bytes -= h.size
	delete(b.held, id)
	b.order = without(b.order, id)
	if b.objects[h.Object()] = without(b.objects[h.Object()], id); len(b.objects[h.Object()]) == 0 {
		delete(b.objects, h.Object())
	}
	return nil
}

// settle tells the server that a delivery is done, and waits until it has heard it.
func (b *Backlog) settle(ctx context.Context, h *held) error {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	b.mu.Lock()
	reply := h.reply
	b.mu.Unlock()
	_, err := b.consumer.stream.conn.RequestMsgWithContext(ctx, &nats.Msg{Subject: reply, Data: []byte(ackDone)})
	if err != nil {
		b.lose() // what the server knows is uncertain: begin again with that
		return explain("settle a delivery", err)
	}
	return nil
}
