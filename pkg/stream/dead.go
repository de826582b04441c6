package stream

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

const (
	// deadSubjects are those of dead letters: consumer, company, object and verb. They have two parts more than those of
	// deliveries, so no stream can take both by mistake.
	deadSubjects = subjectRoot + ".dead.*.*.*.*"
	// deadSuffix ends the name of the stream of dead letters.
	deadSuffix = "_dead"
	// headerNumber has the ID of the delivery.
	headerNumber = "Tlxhook-Event-Id"
	// headerOutcome has the error of the last attempt.
	headerOutcome = "Tlxhook-Outcome"
)

// makeDeadLetters opens the stream of dead letters. Nothing in it is deleted for its age.
func (s *Stream) makeDeadLetters(ctx context.Context) error {
	_, err := s.openBeside(ctx, deadSuffix, jetstream.StreamConfig{
		Description: "deliveries of " + s.name + " that were given up, by tlxhook", Subjects: []string{deadSubjects},
		Discard: jetstream.DiscardNew, AllowDirect: true,
	})
	return err
}

// storeDeadLetter stores a copy of the message of a delivery as a dead letter. That is safe to repeat.
func (b *Backlog) storeDeadLetter(ctx context.Context, id int64, outcome string) error {
	s, durable := b.consumer.stream, b.consumer.o.Durable
	found, err := s.stream.GetMsg(ctx, sequence(id))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil // older than the retention of the stream
	}
	if err != nil {
		return explain("read the dead letters", err)
	}
	m := &nats.Msg{Header: nats.Header{}, Data: found.Data}
	for name, values := range found.Header {
		if !strings.HasPrefix(name, "Nats-") { // the server sets those
			m.Header[name] = values
		}
	}
	m.Subject = subjectRoot + ".dead." + durable + strings.TrimPrefix(found.Subject, subjectRoot)
	m.Header.Set(jetstream.MsgIDHeader, durable+"/"+strconv.FormatInt(id, 10))
	m.Header.Set(headerNumber, strconv.FormatInt(id, 10))
	m.Header.Set(headerOutcome, encode(outcome))
	_, _, err = s.publish(ctx, m)
	return explain("store a dead letter", err)
}

// DeadLetters are the dead letters of a consumer. They have the methods of a journal that a replay needs.
type DeadLetters struct {
	letters jetstream.Stream
	id      string           // of the stream of deliveries
	seqs    map[int64]uint64 // the sequence of a delivery in the stream of dead letters
}

// DeadLetters returns those of a consumer, the oldest first, without bodies.
func (s *Stream) DeadLetters(ctx context.Context, durable string) (*DeadLetters, []journal.Entry, error) {
	letters, err := s.js.Stream(ctx, s.name+deadSuffix)
	d := &DeadLetters{letters, s.ID(), map[int64]uint64{}}
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return d, nil, nil
	}
	if err != nil {
		return nil, nil, explain("open the dead letters of "+s.name, err)
	}
	var all []journal.Entry
	filter := jetstream.WithGetMsgSubject(subjectRoot + ".dead." + durable + ".>")
	for seq := uint64(1); ; seq++ {
		m, err := letters.GetMsg(ctx, seq, filter)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return d, all, nil
		}
		if err != nil {
			return nil, nil, explain("read the dead letters of "+s.name, err)
		}
		seq = m.Sequence
		e := letter(m)
		d.seqs[e.ID] = seq
		e.Body = nil
		all = append(all, e)
	}
}

// letter parses a dead letter. Its ID is that of the delivery.
func letter(m *jetstream.RawStreamMsg) journal.Entry {
	e := entry(m.Sequence, m.Subject, m.Header, m.Data, m.Time)
	e.State, e.Outcome = journal.Dead, m.Header.Get(headerOutcome)
	if outcome, err := url.PathUnescape(e.Outcome); err == nil {
		e.Outcome = outcome
	}
	if id, err := strconv.ParseInt(m.Header.Get(headerNumber), 10, 64); err == nil {
		e.ID = id
	}
	return e
}

// WaitingOf returns nothing: a consumer finishes the deliveries of an object in order, so every open one is newer than
// every dead letter.
func (d *DeadLetters) WaitingOf(context.Context, journal.ObjectKey, int64, int) ([]journal.Entry, error) {
	return nil, nil
}

// Get returns a dead letter with its body.
func (d *DeadLetters) Get(ctx context.Context, id int64) (journal.Entry, error) {
	m, err := d.letters.GetMsg(ctx, d.seqs[id])
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return journal.Entry{}, fmt.Errorf("%w %d", journal.ErrNotFound, id)
	}
	if err != nil {
		return journal.Entry{}, explain("read a dead letter", err)
	}
	e := letter(m)
	e.Origin = d.id
	return e, nil
}

// Claim reports true: consumers do not forward dead letters.
func (d *DeadLetters) Claim(int64) bool { return true }

// Release does nothing, see [DeadLetters.Claim].
func (d *DeadLetters) Release(int64) {}

// Mark deletes a dead letter that an app has accepted.
func (d *DeadLetters) Mark(ctx context.Context, id int64, a journal.Attempt) error {
	if a.State != journal.Forwarded {
		return nil
	}
	return explain("delete a dead letter", d.letters.DeleteMsg(ctx, d.seqs[id]))
}
