package calibrate

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/tunnel"
)

// ReceiveOptions configure [Receive].
type ReceiveOptions struct {
	// Address is the TCP address to listen on.
	Address string
	// PublicURL reaches Address from Tripletex; it is not read with a Tunnel.
	PublicURL string
	// Tunnel has its own public URL. It is not started yet; nil for none.
	Tunnel *tunnel.Tunnel
	// Wait is the longest wait for retries.
	Wait time.Duration
	// Task shows an activity until end is called.
	Task func(text string) (end func())
	// Note is called with messages for a person.
	Note func(format string, args ...any)
}

// Receive listens for deliveries, starts the tunnel, and waits until requests to the public URL arrive: a delay would be
// taken for one of Tripletex. Stop ends both.
func Receive(ctx context.Context, o ReceiveOptions) (d *Deliveries, stop func(), err error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.Address)
	if err != nil {
		return nil, nil, fmt.Errorf("listen for deliveries: %w", err)
	}
	d = &Deliveries{PublicURL: o.PublicURL, Receiver: &Receiver{}, Wait: o.Wait}
	server := &http.Server{Handler: d.Receiver, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }()
	stop = func() {
		if o.Tunnel != nil {
			o.Tunnel.Stop()
		}
		_ = server.Close()
	}
	if o.Tunnel != nil {
		d.PublicURL, err = o.start(ctx, listener.Addr())
	}
	if err == nil {
		err = tunnel.Reach{Probe: d.probe, Task: o.Task, Note: o.Note}.Await(ctx, d.PublicURL)
	}
	if err != nil {
		stop()
		if errors.Is(ctx.Err(), context.Canceled) { // the error of a deadline names the slow step
			err = context.Cause(ctx)
		}
		return nil, nil, err
	}
	return d, stop, nil
}

// start returns the public URL of the tunnel to an address.
func (o *ReceiveOptions) start(ctx context.Context, address net.Addr) (string, error) {
	defer o.Task("Starting " + o.Tunnel.Name())()
	_, port, _ := net.SplitHostPort(address.String()) // a TCP address
	return o.Tunnel.Start(ctx, port, false)
}

func (d *Deliveries) probe(ctx context.Context) error {
	if err := d.Receiver.Probe(ctx, d.PublicURL); err != nil {
		return fmt.Errorf("%w: %w", receiver.ErrUnreachable, err)
	}
	return nil
}
