package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/loopback"
	"github.com/tlxhook/tlxhook/pkg/targeturl"
)

var (
	// ErrNotServed means that no process serves the sandbox of a folder.
	ErrNotServed = errors.New("the sandbox is not served")
	// ErrServed means that another process serves the sandbox.
	ErrServed = errors.New("the sandbox is already being served")
	// ErrExposed means that other machines could reach the sandbox, which ServeOptions.Expose must allow.
	ErrExposed = errors.New("other machines could reach this address")
	// ErrAddress means that a listen address is invalid.
	ErrAddress = errors.New("the address must be HOST:PORT, for example 127.0.0.1:8090")
)

// drainTimeout bounds how long requests in flight may take at shutdown.
const drainTimeout = 5 * time.Second

// Service is a process that serves a sandbox, as announced in a file.
type Service struct {
	BaseURL string `json:"baseUrl"`
	// DeliverTo are the hosts that it delivers to.
	DeliverTo Hosts `json:"deliverTo"`
}

func announcementPath(folder string) string { return filepath.Join(folder, "served.json") }

// Served returns the process that serves the sandbox of a folder, or ErrNotServed.
func Served(folder string) (served Service, err error) {
	if _, err := os.Stat(announcementPath(folder)); errors.Is(err, os.ErrNotExist) {
		return served, ErrNotServed
	}
	held := config.NewFlock(filepath.Join(folder, "served.lock"))
	free, err := held.TryRLock()
	if err != nil {
		return served, stateError(err)
	}
	if free {
		_ = held.Unlock() // the announcement is stale
		return served, ErrNotServed
	}
	raw, err := config.ReadFile(announcementPath(folder))
	if err == nil {
		err = json.Unmarshal(raw, &served)
	}
	if err != nil {
		return served, stateError(err)
	}
	return served, nil
}

// ServeOptions configure Serve.
type ServeOptions struct {
	// Address is the address to listen on, HOST:PORT. It must be a loopback address unless Expose is set.
	Address string
	Expose  bool
	// DeliverTo are hosts to deliver to besides loopback addresses.
	DeliverTo Hosts
	// Switches are set in the state at the start, and kept by a reset over HTTP.
	Switches Switches
	// Speed is the factor by which retries and disabling are faster than on the service, above 0.
	Speed float64
	// Ready is called with the base URL when the sandbox listens.
	Ready func(baseURL string)
	// Attempted and Disabled are passed to the [Deliverer]. They may be called concurrently.
	Attempted func(Attempt)
	Disabled  func(id int64)
}

// probeTime is longer than [Served] holds the lock.
const probeTime = 300 * time.Millisecond

// Serve serves the API and sends deliveries until the context ends. Other processes find it with Served.
func Serve(ctx context.Context, folder string, o ServeOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, probeTime)
	release, err := config.WaitLock(limited, filepath.Join(folder, "served.lock"), func() {})
	cancel()
	switch {
	case errors.Is(err, config.ErrLocked):
		return ErrServed
	case ctx.Err() != nil:
		return nil
	case err != nil:
		return stateError(err)
	}
	defer release()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.Address)
	if err != nil {
		return err
	}
	store := NewFile(folder)
	err = store.Update(ctx, func(s *State) error {
		s.dirty = s.dirty || s.Speed != o.Speed || len(o.Switches) > 0
		s.Speed = o.Speed
		maps.Copy(s.Switches, o.Switches)
		return nil
	})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	baseURL := "http://" + reachable(listener.Addr().String()) + basePath
	if err := announce(folder, Service{baseURL, o.DeliverTo}); err != nil {
		return errors.Join(err, listener.Close())
	}
	defer func() { _ = os.Remove(announcementPath(folder)) }()
	return serve(ctx, store, listener, o, func() { o.Ready(baseURL) })
}

// check rejects an address that is invalid, or reachable from other machines without Expose.
func (o ServeOptions) check() error {
	host, _, err := net.SplitHostPort(o.Address)
	switch {
	case err != nil:
		return ErrAddress
	case !o.Expose && !targeturl.IsLoopback(host):
		return ErrExposed
	}
	return o.DeliverTo.Check()
}

// reachable returns the address of a listener for clients on this machine: that of all interfaces is not a destination.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && ip.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return address
}

// handler returns the handler of the API and of the control calls. Web pages of other sites cannot use it.
func (o ServeOptions) handler(store Store, d *Deliverer, address net.Addr) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(ControlPath+"/", &control{store, d, o.Switches})
	mux.Handle("/", New(store))
	return loopback.ProtectAt(address, loopback.SameOrigin(mux))
}

// serve runs the API and the deliverer until the context ends or one of them fails.
func serve(ctx context.Context, store Store, listener net.Listener, o ServeOptions, ready func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	deliverer := NewDeliverer(store, NewTransport(o.DeliverTo))
	deliverer.Attempted, deliverer.Disabled = o.Attempted, o.Disabled
	server := &http.Server{
		Handler: o.handler(store, deliverer, listener.Addr()), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute,
	}
	var served, delivered error
	var all sync.WaitGroup
	all.Go(func() { served = loopback.Serve(ctx, server, listener, drainTimeout); cancel() })
	all.Go(func() { delivered = deliverer.Run(ctx); cancel() })
	ready()
	all.Wait()
	return errors.Join(served, delivered)
}

func announce(folder string, served Service) error {
	raw, err := json.Marshal(served)
	if err == nil {
		err = replace(announcementPath(folder), raw)
	}
	if err != nil {
		return stateError(err)
	}
	return nil
}
