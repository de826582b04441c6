package sandbox

import (
	"context"
	"encoding/json"
	"errors"
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
	// ErrNotThisMachine means that the target of a delivery is not a loopback address.
	ErrNotThisMachine = errors.New("the sandbox delivers only to loopback addresses")
	// ErrNotLocal means that a listen address is not a loopback address.
	ErrNotLocal = errors.New("the sandbox listens only on loopback addresses, such as 127.0.0.1:8090")
)

// drainTimeout bounds how long requests in flight may take at shutdown.
const drainTimeout = 5 * time.Second

// announcement is the content of the file with the address of a served sandbox.
type announcement struct {
	BaseURL string `json:"baseUrl"`
}

func announcementPath(folder string) string { return filepath.Join(folder, "served.json") }

// Served returns the base URL of the process that serves the sandbox of a folder, or ErrNotServed.
func Served(folder string) (string, error) {
	if _, err := os.Stat(announcementPath(folder)); errors.Is(err, os.ErrNotExist) {
		return "", ErrNotServed
	}
	held := config.NewFlock(filepath.Join(folder, "served.lock"))
	free, err := held.TryRLock()
	if err != nil {
		return "", stateError(err)
	}
	if free {
		_ = held.Unlock() // the announcement is stale
		return "", ErrNotServed
	}
	raw, err := os.ReadFile(announcementPath(folder))
	var served announcement
	if err == nil {
		err = json.Unmarshal(raw, &served)
	}
	if err != nil {
		return "", stateError(err)
	}
	return served.BaseURL, nil
}

// ServeOptions configure Serve.
type ServeOptions struct {
	// Address is the loopback address and port to listen on.
	Address string
	// Speed is the factor by which retries and disabling are faster than on the service, above 0.
	Speed float64
	// Ready is called with the base URL when the sandbox listens.
	Ready func(baseURL string)
	// Attempted and Disabled are passed to the [Deliverer].
	Attempted func(Attempt)
	Disabled  func(id int64)
}

// Serve serves the API and sends deliveries until the context ends. Other processes find it with Served.
func Serve(ctx context.Context, folder string, o ServeOptions) error {
	if host, _, err := net.SplitHostPort(o.Address); err != nil || !targeturl.IsLoopback(host) {
		return ErrNotLocal
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return stateError(err)
	}
	held := config.NewFlock(filepath.Join(folder, "served.lock"))
	if ok, err := held.TryLock(); err != nil {
		return stateError(err)
	} else if !ok {
		return ErrServed
	}
	defer func() { _ = held.Unlock() }()
	store := NewFile(folder)
	err := store.Update(ctx, func(s *State) error {
		s.dirty = s.dirty || s.Speed != o.Speed
		s.Speed = o.Speed
		return nil
	})
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.Address)
	if err != nil {
		return err
	}
	baseURL := "http://" + listener.Addr().String() + basePath
	if err := announce(folder, baseURL); err != nil {
		return errors.Join(err, listener.Close())
	}
	defer func() { _ = os.Remove(announcementPath(folder)) }()
	return serve(ctx, store, listener, o, func() { o.Ready(baseURL) })
}

// serve runs the API and the deliverer until the context ends or one of them fails.
func serve(ctx context.Context, store Store, listener net.Listener, o ServeOptions, ready func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	deliverer := NewDeliverer(store, nil)
	deliverer.Attempted, deliverer.Disabled = o.Attempted, o.Disabled
	server := &http.Server{Handler: loopback.ProtectAt(listener.Addr(), New(store)), ReadHeaderTimeout: 5 * time.Second}
	var served, delivered error
	var all sync.WaitGroup
	all.Go(func() { served = server.Serve(listener); cancel() })
	all.Go(func() { delivered = deliverer.Run(ctx); cancel() })
	ready()
	<-ctx.Done()
	draining, stop := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer stop()
	ended := server.Shutdown(draining)
	if ended != nil {
		ended = server.Close()
	}
	all.Wait()
	if errors.Is(served, http.ErrServerClosed) {
		served = nil
	}
	return errors.Join(served, delivered, ended)
}

func announce(folder, baseURL string) error {
	raw, err := json.Marshal(announcement{baseURL})
	if err == nil {
		err = replace(announcementPath(folder), raw)
	}
	if err != nil {
		return stateError(err)
	}
	return nil
}
