package stream

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// parkedSubjects are those of parked deliveries: consumer, batch, and an entry of the batch. They have one part more
	// than those of deliveries.
	parkedSubjects = subjectRoot + ".parked.*.*.*"
	// parkedSuffix ends the name of the stream of parked deliveries.
	parkedSuffix = "_parked"
	// batchEntry is the entry with the deliveries of a batch. The other entries are the IDs of those that are done.
	batchEntry = "batch"
	// turnBatch and turnEntry make the subject whose last message is the begin of the last turn.
	turnBatch, turnEntry = "turn", "begin"
	// readerTimeout is after how long the server deletes a reader of parked deliveries that is gone.
	readerTimeout = 30 * time.Second
)

// batch is a group of parked deliveries in one message. Their own messages are acknowledged. A few batches, at least one,
// leave that of their first delivery unacknowledged as an anchor: the server begins a turn only with a message.
type batch struct {
	id      int64  // of its first delivery
	anchor  string // the subject of the acknowledgment of that; empty without an anchor
	closing bool
	// open is the number of its deliveries that are not done. The lock of the backlog guards it.
	open int
	// stored is closed when the batch has replaced the unacknowledged messages.
	stored chan struct{}
}

// parkedBatch is the content of a batch.
type parkedBatch struct {
	Stream     string           `json:"stream"` // the ID of the stream of deliveries
	Deliveries []parkedDelivery `json:"deliveries"`
}

// parkedDelivery names a delivery. Its content stays in the stream of deliveries.
type parkedDelivery struct {
	ID     int64  `json:"id"`
	Event  string `json:"event"`
	Object int64  `json:"objectId"`
}

// makeParked opens the stream of parked deliveries. Nothing in it is deleted for its age.
func (s *Stream) makeParked(ctx context.Context) (err error) {
	s.parked, err = s.openBeside(ctx, parkedSuffix, jetstream.StreamConfig{
		Description: "open deliveries of " + s.name + " beyond the window of a consumer, by tlxhook", Subjects: []string{parkedSubjects},
		Discard: jetstream.DiscardNew, MaxMsgsPerSubject: 1, AllowDirect: true,
	})
	return err
}

func (c *Consumer) parkedSubject(batch, entry string) string {
	return strings.Join([]string{subjectRoot, "parked", c.o.Durable, batch, entry}, ".")
}

// beginTurn ends the turns of other copies for the stream of parked deliveries: it refuses their batches from now on.
func (c *Consumer) beginTurn(ctx context.Context) (turn uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	ack, err := c.stream.js.Publish(ctx, c.parkedSubject(turnBatch, turnEntry), nil)
	if err != nil {
		return 0, explain("begin a turn", err)
	}
	return ack.Sequence, nil
}

// storeBatch stores a batch, or fails if another turn has begun.
func (c *Consumer) storeBatch(ctx context.Context, turn uint64, deliveries []parkedDelivery) error {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	data, err := json.Marshal(parkedBatch{c.stream.ID(), deliveries})
	if err != nil {
		return err
	}
	_, err = c.stream.js.PublishMsg(ctx, &nats.Msg{Subject: c.parkedSubject(decimal(deliveries[0].ID), batchEntry), Data: data},
		jetstream.WithExpectLastSequenceForSubject(turn, c.parkedSubject(turnBatch, turnEntry)))
	return err
}

// finishParked stores that a parked delivery is done. That is safe to repeat.
func (c *Consumer) finishParked(ctx context.Context, b *batch, id int64) error {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	_, err := c.stream.js.Publish(ctx, c.parkedSubject(decimal(b.id), decimal(id)), nil)
	return explain("acknowledge a parked delivery", err)
}

// deleteBatch deletes a batch and its entries.
func (c *Consumer) deleteBatch(ctx context.Context, id int64) error {
	return explain("delete parked deliveries", c.stream.parked.Purge(ctx, jetstream.WithPurgeSubject(c.parkedSubject(decimal(id), "*"))))
}

func decimal(id int64) string { return strconv.FormatInt(id, 10) }

// readParked returns the parked deliveries that are not done, by batch, as of the begin of a turn.
func (c *Consumer) readParked(ctx context.Context, turn uint64) (map[int64]map[int64]parkedDelivery, error) {
	reader, err := c.stream.js.OrderedConsumer(ctx, c.stream.name+parkedSuffix, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{c.parkedSubject("*", "*")}, InactiveThreshold: readerTimeout,
	})
	if err != nil {
		return nil, explain("read parked deliveries", err)
	}
	messages, err := reader.Messages()
	if err != nil {
		return nil, explain("read parked deliveries", err)
	}
	defer messages.Stop()
	batches := map[int64]map[int64]parkedDelivery{}
	for {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return nil, explain("read parked deliveries", err)
		}
		meta, err := m.Metadata()
		if err != nil || meta.Sequence.Stream >= turn {
			return batches, err
		}
		c.readEntry(batches, m)
	}
}

// readEntry adds the deliveries of a batch, or removes one that is done. A batch of another stream, or one that was
// deleted in part, is empty.
func (c *Consumer) readEntry(batches map[int64]map[int64]parkedDelivery, m jetstream.Msg) {
	parts := strings.Split(m.Subject(), ".")
	first, err := strconv.ParseInt(parts[3], 10, 64)
	if err != nil {
		return // the begin of a turn
	}
	if batches[first] == nil {
		batches[first] = map[int64]parkedDelivery{}
	}
	if id, err := strconv.ParseInt(parts[4], 10, 64); err == nil {
		delete(batches[first], id)
		return
	}
	var content parkedBatch
	if json.Unmarshal(m.Data(), &content) != nil || content.Stream != c.stream.ID() {
		return
	}
	for _, d := range content.Deliveries {
		batches[first][d.ID] = d
	}
}

// isFull reports whether a stream has refused a message because it or its disk is full.
func isFull(err error) bool {
	var refusal *jetstream.APIError
	return errors.As(err, &refusal) && refusal.ErrorCode == codeStoreFull
}
