package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/tlxhook/tlxhook/pkg/wait"
)

// DefaultWindow is how long a new stream recognizes an idempotency key: Tripletex retries a delivery for 30 hours.
const DefaultWindow = 36 * time.Hour

// Config is the configuration of a new stream, and the minimum for an existing one.
type Config struct {
	// Replicas is the number of servers that store each delivery.
	Replicas int
	// Window is how long the stream recognizes an idempotency key, Retention how long it stores deliveries; 0 is unlimited.
	Window    time.Duration
	Retention time.Duration
	// AllowMemory accepts an existing stream that stores deliveries in memory.
	AllowMemory bool
}

// Check returns an error if no stream can have the configuration.
func (c Config) Check() error {
	switch {
	case c.Replicas < 1 || c.Replicas > 5:
		return fmt.Errorf("%w: there can be from 1 to 5 replicas", ErrOptions)
	case c.Window < time.Second || c.Retention < 0:
		return fmt.Errorf("%w: the window for duplicates must be at least 1s, and the retention not negative", ErrOptions)
	case c.Retention > 0 && c.Retention < c.Window:
		return fmt.Errorf("%w: deliveries must be kept at least as long as duplicates are known, %s", ErrOptions, wait.Text(c.Window))
	}
	return nil
}

// find opens the stream, or creates it if wanted is not nil, and verifies it. An existing stream is never changed.
func (s *Stream) find(ctx context.Context, wanted *Config) error {
	found, err := s.js.Stream(ctx, s.name)
	if errors.Is(err, jetstream.ErrStreamNotFound) && wanted != nil {
		found, err = s.js.CreateStream(ctx, wanted.stream(s.name))
	}
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another copy was faster
		found, err = s.js.Stream(ctx, s.name)
	}
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("%w %s", ErrAbsent, s.name)
	}
	if err != nil {
		return explain("open the stream "+s.name, err)
	}
	s.stream = found
	if wanted == nil {
		return (&Config{AllowMemory: true}).verify(found.CachedInfo().Config) // the publisher verifies the storage
	}
	if err := wanted.verify(found.CachedInfo().Config); err != nil {
		return err
	}
	// All servers are likely there now. Without one of them no stream can be created.
	if err := s.makeDeadLetters(ctx); err != nil {
		return err
	}
	_ = errors.Join(s.makeTries(ctx), s.makeParked(ctx)) // receiving needs neither, and a forwarder tries again
	return nil
}

// openBeside opens the stream of a name that ends in suffix, or creates it with the storage of the stream of deliveries.
func (s *Stream) openBeside(ctx context.Context, suffix string, config jetstream.StreamConfig) (jetstream.Stream, error) {
	like := s.stream.CachedInfo().Config
	config.Name, config.Storage, config.Replicas = s.name+suffix, like.Storage, like.Replicas
	found, err := s.js.Stream(ctx, config.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		found, err = s.js.CreateStream(ctx, config)
	}
	return found, explain("open the stream "+config.Name, err)
}

func (c Config) stream(name string) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: name, Description: "deliveries of Tripletex, by tlxhook", Subjects: []string{allSubjects},
		Storage: jetstream.FileStorage, Replicas: c.Replicas, Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew,
		MaxAge: c.Retention, Duplicates: c.Window, AllowDirect: true,
	}
}

// verify returns an error if a stream can lose acknowledged deliveries, or does not receive deliveries.
func (c Config) verify(found jetstream.StreamConfig) error {
	limited := found.MaxMsgs > 0 || found.MaxBytes > 0
	wrong := ""
	switch {
	case found.Storage != jetstream.FileStorage && !c.AllowMemory:
		wrong = "keeps deliveries in memory and not in files"
	case found.Replicas < c.Replicas:
		wrong = fmt.Sprintf("has %d of the %d replicas that are wanted", found.Replicas, c.Replicas)
	case found.Retention != jetstream.LimitsPolicy:
		wrong = "deletes messages when consumed, not by age"
	case limited && found.Discard == jetstream.DiscardOld, found.MaxMsgsPerSubject > 0 && !found.DiscardNewPerSubject:
		wrong = "deletes old deliveries where it is full, consumed or not; it must discard new ones"
	case found.NoAck || found.Sealed || found.Mirror != nil:
		wrong = "does not take deliveries"
	case !slices.Contains(found.Subjects, allSubjects):
		wrong = "does not take " + allSubjects
	case found.SubjectTransform != nil:
		wrong = "renames the subjects of messages"
	}
	if wrong != "" {
		return fmt.Errorf("%w: the stream %s %s", ErrUnfit, found.Name, wrong)
	}
	return nil
}
