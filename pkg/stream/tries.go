package stream

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// triesSubjects are those of the stream of tries: consumer and sequence of a delivery. They have one part more than
	// those of deliveries.
	triesSubjects = subjectRoot + ".tries.*.*.time"
	// triesSuffix ends the name of the stream of tries.
	triesSuffix = "_tries"
	// triesAge is how long no copy may run before the attempts of a delivery are reset.
	triesAge = 30 * 24 * time.Hour
)

// makeTries opens the stream of the attempts and the time spent on deliveries that failed, over the turns of all copies.
func (s *Stream) makeTries(ctx context.Context) (err error) {
	s.tries, err = s.openBeside(ctx, triesSuffix, jetstream.StreamConfig{
		Description: "time of trying to forward deliveries of " + s.name + ", by tlxhook", Subjects: []string{triesSubjects},
		MaxMsgsPerSubject: 1, MaxAge: triesAge, AllowDirect: true,
	})
	return err
}

func (b *Backlog) triesSubject(id int64) string {
	return subjectRoot + ".tries." + b.consumer.o.Durable + "." + strconv.FormatInt(id, 10) + ".time"
}

// noteTries stores the attempts and the time spent on a delivery, as "24h0m0s 17". A message that is lost counts less.
func (b *Backlog) noteTries(d *openDelivery) {
	_ = b.consumer.stream.conn.Publish(b.triesSubject(d.id), []byte(d.tried.String()+" "+strconv.Itoa(d.attempts)))
}

// readTries reads the attempts and the time that earlier turns spent on a delivery, once.
func (b *Backlog) readTries(ctx context.Context, d *openDelivery) error {
	b.mu.Lock()
	unknown := !d.triesRead
	b.mu.Unlock()
	if !unknown {
		return nil
	}
	m, err := b.consumer.stream.tries.GetLastMsgForSubject(ctx, b.triesSubject(d.id))
	if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return explain("read the time of trying", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	d.triesRead = true
	if m != nil {
		d.tried, d.attempts = parseTries(string(m.Data), d.attempts)
	}
	return nil
}

// parseTries reads a text of noteTries, or a duration without attempts. It ignores texts of other programs.
func parseTries(text string, unknown int) (time.Duration, int) {
	spent, count, _ := strings.Cut(text, " ")
	tried, err := time.ParseDuration(spent)
	if err != nil || tried < 0 {
		return 0, unknown
	}
	attempts, err := strconv.Atoi(count)
	if err != nil || attempts < 0 {
		attempts = unknown
	}
	return tried, attempts
}
