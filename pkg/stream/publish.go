package stream

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

const (
	// tryLimit bounds one try: a server that has just died never answers.
	tryLimit = 1500 * time.Millisecond
	// betweenTries is the pause between two tries, during which the stream may choose a leader.
	betweenTries = 100 * time.Millisecond
)

// Append publishes a delivery, and returns once the stream has acknowledged it. A known key with another body is stored
// too.
func (s *Stream) Append(ctx context.Context, d journal.Delivery) (journal.Stored, error) {
	ctx, cancel := context.WithTimeout(ctx, publishLimit)
	defer cancel()
	m := message(s.company, d)
	ack, own, err := s.publish(ctx, m)
	if err != nil {
		return journal.Stored{}, explain("publish", err)
	}
	stored := journal.Stored{ID: number(ack.Sequence), Duplicate: ack.Duplicate && !own}
	if !ack.Duplicate {
		return stored, nil
	}
	same, err := s.holds(ctx, ack.Sequence, d.Body)
	if err != nil || same {
		return stored, explain("compare with the stored delivery", err)
	}
	return s.appendAltered(ctx, m)
}

// appendAltered publishes a delivery whose key came with another body before. Its message ID cannot be a key: keys have
// no "/".
func (s *Stream) appendAltered(ctx context.Context, m *nats.Msg) (journal.Stored, error) {
	sum := sha256.Sum256(m.Data)
	m.Header.Set(jetstream.MsgIDHeader, m.Header.Get(jetstream.MsgIDHeader)+"/"+hex.EncodeToString(sum[:16]))
	ack, own, err := s.publish(ctx, m)
	if err != nil {
		return journal.Stored{}, explain("publish", err)
	}
	again := ack.Duplicate && !own
	return journal.Stored{ID: number(ack.Sequence), Duplicate: again, Altered: !again}, nil
}

// holds reports whether a message has a body. A deleted message, whose body is unknown, has another: a delivery is stored
// twice rather than not at all.
func (s *Stream) holds(ctx context.Context, seq uint64, body []byte) (bool, error) {
	before, err := s.stream.GetMsg(ctx, seq)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return bytes.Equal(before.Data, body), nil
}

// publish tries until the stream acknowledges or the time is over. The message ID makes that safe; own reports whether a
// duplicate may be an earlier try of the same call.
func (s *Stream) publish(ctx context.Context, m *nats.Msg) (ack *jetstream.PubAck, own bool, err error) {
	for try := 1; ; try++ {
		ack, err = s.try(ctx, m)
		if err == nil {
			s.refused.Store(nil)
			return ack, try > 1, nil
		}
		if refused := s.refused.Load(); refused != nil {
			return nil, false, *refused
		}
		if isPermanent(err) {
			return nil, false, err
		}
		if wait.For(ctx, betweenTries) != nil {
			return nil, false, err
		}
	}
}

// isPermanent reports whether a repeat would be refused too.
func isPermanent(err error) bool {
	cause := explain("publish", err)
	return errors.Is(cause, journal.ErrTooLarge) || errors.Is(cause, ErrUnfit) || errors.Is(err, nats.ErrConnectionClosed)
}

func (s *Stream) try(ctx context.Context, m *nats.Msg) (*jetstream.PubAck, error) {
	future, err := s.js.PublishMsgAsync(&nats.Msg{Subject: m.Subject, Header: m.Header, Data: m.Data}, jetstream.WithRetryAttempts(0))
	if err != nil {
		return nil, err
	}
	timer := time.NewTimer(tryLimit)
	defer timer.Stop()
	select {
	case ack := <-future.Ok():
		return ack, nil
	case err := <-future.Err():
		return nil, err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-timer.C:
		return nil, nats.ErrTimeout
	}
}
