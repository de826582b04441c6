package listen

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/tlxhook/tlxhook/pkg/exporter"
	"github.com/tlxhook/tlxhook/pkg/loopback"
	"github.com/tlxhook/tlxhook/pkg/receiver"
)

// Common has the options that a [Listener] and a [Forwarder] share.
type Common struct {
	// Routes are the apps that deliveries are forwarded to, the specific ones first.
	Routes []receiver.Route
	// Until ends the process after this number of deliveries; 0 means no limit.
	Until int
	// MetricsAddress is the loopback host and port of metrics and health checks; empty means none.
	MetricsAddress string
	// Build is the version that the metrics state.
	Build exporter.Build
	// Lookup returns an environment variable, such as those of a service manager.
	Lookup func(string) (string, bool)
	// Report is called with every event of a delivery. It must not block.
	Report func(receiver.DeliveryEvent)
	// Note is called with messages for a person. It must be safe for concurrent use.
	Note func(format string, args ...any)
	// Task shows an activity until end is called; nil shows nothing. It must be safe for concurrent use.
	Task func(text string) (end func())
}

var (
	// ErrReceive means that accepting connections failed.
	ErrReceive = errors.New("receive deliveries")
	// ErrMetrics means that the socket of the metrics cannot be opened.
	ErrMetrics = errors.New("serve metrics")
)

// UnmetError is the error of a process that ended before [Common.Until] was met.
type UnmetError struct{ Got, Wanted int }

// Error implements error.
func (e *UnmetError) Error() string {
	return fmt.Sprintf("%d of %d deliveries came in time", e.Got, e.Wanted)
}

// SocketError is the failure to open the socket for deliveries. Err names the address.
type SocketError struct{ Err error }

// Error implements error.
func (e *SocketError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *SocketError) Unwrap() error { return e.Err }

// process is the common state of a running Listener or Forwarder.
type process struct {
	Common
	stop  context.CancelFunc // set before the first event
	count atomic.Int64       // deliveries that count for Until
	loop  atomic.Pointer[receiver.DeliveryEvent]
	parts sync.WaitGroup
}

// report passes an event on, and stops the process once enough deliveries were counted, or if it forwards to itself.
func (p *process) report(e receiver.DeliveryEvent) {
	if e.Kind == receiver.KindLoop {
		p.loop.Store(&e)
		p.stop()
		return
	}
	p.Report(e)
	if p.counts(e.Kind) && p.count.Add(1) == int64(p.Until) {
		p.stop()
	}
}

// counts reports whether an event counts for Until: acceptance by an app or, without an app, storage.
func (p *process) counts(kind receiver.Kind) bool {
	if len(p.Routes) > 0 {
		return kind == receiver.KindForwarded
	}
	return kind == receiver.KindReceived || kind == receiver.KindAltered
}

// outcome returns err or, without one, [receiver.ErrLoop] or an [UnmetError] if Until was not met.
func (p *process) outcome(err error) error {
	if e := p.loop.Load(); e != nil && err == nil {
		return fmt.Errorf("%w through %s", e.Answer.Err, e.App)
	}
	if got := int(p.count.Load()); err == nil && got < p.Until {
		return &UnmetError{got, p.Until}
	}
	return err
}

// unlessCanceled returns nil where ctx was canceled, else err.
func unlessCanceled(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil
	}
	return err
}

// inOrder runs steps until one fails or ctx ends. It alone distinguishes "stopped" from "failed": an error of a step
// whose ctx was canceled is a stop. An expired deadline only ends the sequence.
func inOrder(ctx context.Context, steps ...func(context.Context) error) error {
	for _, step := range steps {
		select {
		case <-ctx.Done():
			return nil
		default:
		}
		if err := unlessCanceled(ctx, step(ctx)); err != nil {
			return err
		}
	}
	return nil
}

// announceApps states which events are forwarded to which app.
func (p *process) announceApps() {
	for _, r := range p.Routes {
		p.Note("forwarding %s to %s, %d at once", r.Event, r.App, r.Parallel)
	}
}

// ready notifies a service manager that the process has started.
func (p *process) ready(ctx context.Context) error {
	if err := receiver.Notify(ctx, p.Lookup, "READY=1"); err != nil {
		p.Note("warning: %v", err)
	}
	return nil
}

// serveMetrics answers on MetricsAddress until ctx ends. Checks are those of /-/ready.
func (p *process) serveMetrics(ctx context.Context, numbers exporter.Receiver, checks ...func() error) error {
	if p.MetricsAddress == "" {
		return nil
	}
	listener, err := (&net.ListenConfig{}).Listen(context.WithoutCancel(ctx), "tcp", p.MetricsAddress)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMetrics, err)
	}
	p.Note("metrics on http://%s/metrics, health on /-/ready", listener.Addr())
	p.parts.Go(func() {
		_ = receiver.Serve(ctx, listener, loopback.ProtectAt(listener.Addr(), p.metrics(numbers, checks)))
	})
	return nil
}

func (p *process) metrics(numbers exporter.Receiver, checks []func() error) http.Handler {
	mux := receiver.HealthHandler(checks...)
	mux.Handle("GET /metrics", exporter.NewMetrics(p.Build, numbers.Collect))
	return mux
}
