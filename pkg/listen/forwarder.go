package listen

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/tlxhook/tlxhook/pkg/exporter"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/stream"
)

// ForwardOptions configure a [Forwarder].
type ForwardOptions struct {
	Common
	// Stream is where deliveries come from. It must exist.
	Stream Stream
	// Durable is the name of the consumer, which all copies share.
	Durable string
	// Takeover is the time after which another copy takes over. The first copy decides.
	Takeover time.Duration
}

// Forwarder forwards the deliveries of a stream to apps while it is the active copy. Open, Run and Close are called
// once each, in this order; Close also after an error.
type Forwarder struct {
	process
	o        ForwardOptions
	stream   *stream.Stream
	consumer *stream.Consumer
	queue    atomic.Pointer[receiver.Queue] // of the last turn; nil before the first
}

// NewForwarder returns a forwarder that holds nothing yet.
func NewForwarder(o ForwardOptions) *Forwarder {
	return &Forwarder{process: process{Common: o.Common}, o: o}
}

// Open connects to the stream and its consumer. A canceled ctx is not an error: [Forwarder.Run] then returns at once.
func (f *Forwarder) Open(ctx context.Context) error {
	return inOrder(ctx, f.openStream, f.openConsumer)
}

func (f *Forwarder) openStream(ctx context.Context) (err error) {
	f.stream, err = stream.Open(ctx, f.o.Stream.Login, f.o.Stream.Name, f.o.Stream.Company, f.o.Stream.Config)
	return err
}

func (f *Forwarder) openConsumer(ctx context.Context) (err error) {
	f.consumer, err = f.stream.Consumer(ctx, stream.ConsumerOptions{Durable: f.o.Durable, Takeover: f.o.Takeover, Takes: f.takes})
	return err
}

func (f *Forwarder) takes(event string) bool {
	return slices.ContainsFunc(f.Routes, func(r receiver.Route) bool { return r.Takes(event) })
}

// Close ends the connection.
func (f *Forwarder) Close() error {
	if f.stream != nil {
		f.stream.Close()
	}
	return nil
}

// Run forwards until ctx ends or Until is met. A canceled ctx is success at every step.
func (f *Forwarder) Run(parent context.Context) error {
	ctx, stop := context.WithCancel(parent)
	defer stop()
	f.stop = stop
	metrics := func(ctx context.Context) error {
		return f.serveMetrics(ctx, exporter.Receiver{Forwarding: f.stats}, f.stream.Healthy)
	}
	err := inOrder(ctx, metrics, f.announce, f.ready, f.consume)
	stop()
	f.parts.Wait()
	return f.outcome(err)
}

// announce states the takeover time in use and the consumer.
func (f *Forwarder) announce(context.Context) error {
	if used := f.consumer.Takeover(); used != f.o.Takeover {
		f.Note("the takeover time is %s, as set by the first copy of %s", used, f.o.Durable)
	} else if used < stream.SafeTakeover {
		f.Note("warning: with a takeover time below %s, two copies may forward the same delivery at once", stream.SafeTakeover)
	}
	f.announceApps()
	f.Note("waiting for the turn of this copy of %s, stream %s", f.o.Durable, f.o.Stream.Name)
	f.Note("Ready. Press Ctrl-C to quit.")
	return nil
}

func (f *Forwarder) consume(ctx context.Context) error { return f.consumer.Run(ctx, f.turn) }

// turn forwards while this copy is the active one.
func (f *Forwarder) turn(ctx context.Context, b *stream.Backlog) {
	f.Note("this copy forwards now")
	queue := receiver.NewQueue(b, f.Routes, f.report)
	f.queue.Store(queue)
	b.Notify(queue.Wake)
	queue.Run(ctx)
	f.Note("this copy no longer forwards")
}

// stats returns the numbers of the last turn.
func (f *Forwarder) stats() receiver.Stats {
	if queue := f.queue.Load(); queue != nil {
		return queue.Stats()
	}
	return receiver.Stats{}
}
