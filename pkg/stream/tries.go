package stream

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// triesSubjects are those of the stream of tries: consumer and sequence of a delivery. They have one part more than
	// those of deliveries.
	triesSubjects = subjectRoot + ".tries.*.*.time"
	// triesSuffix ends the name of the stream of tries.
	triesSuffix = "_tries"
	// triesAge is how long no copy may run before a delivery starts anew.
	triesAge = 30 * 24 * time.Hour
)

// makeTries creates the stream that keeps how long forwarding a delivery was tried, over the turns of all copies. It
// holds one message for each delivery that failed.
func (s *Stream) makeTries(ctx context.Context) error {
	name := s.name + triesSuffix
	found, err := s.js.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		like := s.stream.CachedInfo().Config
		found, err = s.js.CreateStream(ctx, jetstream.StreamConfig{
			Name: name, Description: "time of trying to forward deliveries of " + s.name + ", by tlxhook", Subjects: []string{triesSubjects},
			Storage: like.Storage, Replicas: like.Replicas, MaxMsgsPerSubject: 1, MaxAge: triesAge, AllowDirect: true,
		})
	}
	s.tries = found
	return explain("open the stream "+name, err)
}

func (b *Backlog) triesSubject(seq uint64) string {
	return subjectRoot + ".tries." + b.consumer.o.Durable + "." + strconv.FormatUint(seq, 10) + ".time"
}

// noteTried keeps how long forwarding was tried. A message that is lost counts less time.
func (b *Backlog) noteTried(seq uint64, tried time.Duration) {
	_ = b.consumer.stream.conn.Publish(b.triesSubject(seq), []byte(tried.String()))
}

// tried returns how long earlier turns tried to forward a delivery; 0 if that is not known.
func (b *Backlog) tried(ctx context.Context, seq uint64) (time.Duration, error) {
	m, err := b.consumer.stream.tries.GetLastMsgForSubject(ctx, b.triesSubject(seq))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, explain("read the time of trying", err)
	}
	tried, _ := time.ParseDuration(string(m.Data)) // 0 for what another program wrote
	return max(tried, 0), nil
}
