package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// group is the one group of copies of a consumer.
	group = "copies"
	// pinHeader is the header with the ID of the copy that the server has chosen.
	pinHeader = "Nats-Pin-Id"
	// defaultWindow is how many messages of a new consumer are unacknowledged at once.
	defaultWindow = 10_000
	// DefaultTakeover is the default of [ConsumerOptions.Takeover].
	DefaultTakeover = 30 * time.Second
	// SafeTakeover is the shortest takeover time after which no attempt of the earlier copy is in flight.
	SafeTakeover = 15 * time.Second
	minTakeover  = 4 * time.Second
	// longestPull bounds the wait for a message in one request. Each request renews the turn of this copy.
	longestPull = 30 * time.Second
)

// ConsumerOptions configure a consumer.
type ConsumerOptions struct {
	// Durable is the name that all copies share. The server stores the progress under it.
	Durable string
	// Takeover is the time after which another copy replaces one that is gone. The first copy decides.
	Takeover time.Duration
	// Takes reports whether an event has an app; the others are acknowledged on arrival.
	Takes func(event string) bool
}

// Consumer forwards the deliveries of a stream in one of its copies at a time, the active one, so that every object keeps
// its order. The others are on standby, and one of them takes over when the active one ends.
type Consumer struct {
	stream   *Stream
	consumer jetstream.Consumer
	o        ConsumerOptions
	window   int // how many messages are unacknowledged at once

	mu     sync.Mutex
	active *Backlog
	chosen bool          // the server last delivered to this copy
	turn   chan *Backlog // receives a backlog when this copy becomes the active one
	failed chan error
}

// Consumer opens or creates the durable consumer of a name, and the streams of dead letters, tries and parked deliveries.
func (s *Stream) Consumer(ctx context.Context, o ConsumerOptions) (*Consumer, error) {
	switch {
	case !validName(o.Durable):
		return nil, fmt.Errorf("%w: %q is not a consumer name: letters, digits, dash and underscore", ErrOptions, o.Durable)
	case o.Takeover < minTakeover:
		return nil, fmt.Errorf("%w: another copy takes over after %s at the earliest", ErrOptions, minTakeover)
	}
	c := &Consumer{stream: s, o: o, turn: make(chan *Backlog), failed: make(chan error, 1)}
	if err := s.retry(ctx, c.open); err != nil {
		return nil, err
	}
	return c, nil
}

// open opens or creates the resources of the consumer on the server.
func (c *Consumer) open(ctx context.Context) error {
	found, err := c.stream.stream.Consumer(ctx, c.o.Durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		found, err = c.stream.stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
			Durable: c.o.Durable, Description: "tlxhook forward", AckPolicy: jetstream.AckExplicitPolicy, AckWait: c.o.Takeover,
			MaxAckPending: defaultWindow, MaxDeliver: -1, FilterSubject: allSubjects,
			PriorityPolicy: jetstream.PriorityPolicyPinned, PriorityGroups: []string{group}, PinnedTTL: c.o.Takeover / 2,
		})
	}
	if errors.Is(err, jetstream.ErrConsumerExists) { // another copy was faster
		found, err = c.stream.stream.Consumer(ctx, c.o.Durable)
	}
	if err != nil {
		return explain("open the consumer "+c.o.Durable, err)
	}
	config := found.CachedInfo().Config
	if config.PriorityPolicy != jetstream.PriorityPolicyPinned || config.AckPolicy != jetstream.AckExplicitPolicy {
		return fmt.Errorf("%w: the consumer %s cannot keep copies apart; "+
			"the server must be 2.11 or later, and the consumer one that tlxhook made", ErrUnfit, c.o.Durable)
	}
	c.consumer, c.o.Takeover, c.window = found, config.AckWait, defaultWindow
	if config.MaxAckPending > 0 {
		c.window = config.MaxAckPending
	}
	for _, open := range []func(context.Context) error{c.stream.makeDeadLetters, c.stream.makeTries, c.stream.makeParked} {
		if err := open(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Takeover returns the takeover time that the first copy has set.
func (c *Consumer) Takeover() time.Duration { return c.o.Takeover }

// Run calls work with the open deliveries whenever this copy becomes the active one, until ctx ends. The context of work
// ends with the turn.
func (c *Consumer) Run(ctx context.Context, work func(context.Context, *Backlog)) error {
	lost := c.lose
	c.stream.lost.Store(&lost)
	expires := min(max(c.o.Takeover/8, time.Second), longestPull)
	consuming, err := c.consumer.Consume(func(m jetstream.Msg) { c.receive(ctx, m) },
		jetstream.PullPriorityGroup(group), jetstream.PullExpiry(expires), jetstream.PullHeartbeat(expires/2),
		jetstream.ConsumeErrHandler(c.consumeError))
	if err != nil {
		return explain("consume", err)
	}
	defer consuming.Stop()
	for {
		select {
		case b := <-c.turn:
			work(b.ctx, b)
			b.lose()
			if ctx.Err() != nil {
				return c.leave(ctx, consuming)
			}
			b.giveBack()
		case err := <-c.failed:
			return err
		case err := <-c.stream.closed:
			return err
		case <-ctx.Done():
			return c.leave(ctx, consuming)
		}
	}
}

// leave ends the turn of this copy, so that another one takes over at once.
func (c *Consumer) leave(ctx context.Context, consuming jetstream.ConsumeContext) error {
	consuming.Drain() // messages in flight are returned, see receive
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askLimit)
	defer cancel()
	select {
	case <-consuming.Closed():
	case <-ctx.Done():
	}
	c.mu.Lock()
	b, chosen := c.active, c.chosen
	c.mu.Unlock()
	if !chosen {
		return nil // another copy is active
	}
	if b != nil {
		b.giveBack()
	}
	if err := c.stream.conn.FlushWithContext(ctx); err == nil {
		_ = c.stream.stream.UnpinConsumer(ctx, c.o.Durable, group) // else the server notices by itself
	}
	return nil
}

// consumeError handles an error between the server and this copy.
func (c *Consumer) consumeError(_ jetstream.ConsumeContext, err error) {
	switch {
	case errors.Is(err, jetstream.ErrPinIDMismatch), errors.Is(err, jetstream.ErrNoHeartbeat),
		errors.Is(err, jetstream.ErrConsumerLeadershipChanged):
		c.lose()
	case errors.Is(err, jetstream.ErrConsumerDeleted), errors.Is(err, jetstream.ErrBadRequest):
		c.lose()
		c.fail(fmt.Errorf("%w: the consumer %s: %w", ErrUnfit, c.o.Durable, err))
	}
}

// fail ends Run with an error.
func (c *Consumer) fail(err error) {
	select {
	case c.failed <- err:
	default:
	}
}

// lose ends the turn of this copy, because the server may have chosen another one.
func (c *Consumer) lose() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.chosen = false
	if c.active != nil {
		c.active.lose()
		c.active = nil
	}
}

// receive adds a message to the turn. The first one begins the turn.
func (c *Consumer) receive(ctx context.Context, m jetstream.Msg) {
	pin := m.Headers().Get(pinHeader)
	c.mu.Lock()
	c.chosen = true
	if ctx.Err() != nil {
		c.mu.Unlock()
		_ = m.Nak() // this copy is ending
		return
	}
	b := c.active
	if b == nil || b.pin != pin || b.ctx.Err() != nil {
		if b != nil {
			b.lose()
		}
		b = newBacklog(ctx, c, pin)
		c.active = b
		go b.begin(ctx)
	}
	c.mu.Unlock()
	b.receive(m)
}
