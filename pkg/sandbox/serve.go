package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

var (
	// ErrNotServed means that no program serves the sandbox of a folder.
	ErrNotServed = errors.New("the sandbox is not served")
	// ErrServed means that another program serves it already.
	ErrServed = errors.New("the sandbox is served already")
	// ErrNotLocal means that an address is not on this machine alone.
	ErrNotLocal = errors.New("a sandbox listens only on a loopback address, such as 127.0.0.1:8090")
)

// drainTime is how long requests in flight may take once serving is to end.
const drainTime = 5 * time.Second

// announcement tells other programs where the sandbox of a folder is served.
type announcement struct {
	BaseURL string `json:"baseUrl"`
}

func announcementPath(folder string) string { return filepath.Join(folder, "served.json") }

// Served returns the base URL of the program that serves the sandbox of a folder.
func Served(folder string) (string, error) {
	if _, err := os.Stat(announcementPath(folder)); errors.Is(err, os.ErrNotExist) {
		return "", ErrNotServed
	}
	held := flock.New(filepath.Join(folder, "served.lock"))
	free, err := held.TryRLock()
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrState, err)
	}
	if free {
		_ = held.Unlock() // what was announced is over
		return "", ErrNotServed
	}
	raw, err := os.ReadFile(announcementPath(folder))
	var said announcement
	if err == nil {
		err = json.Unmarshal(raw, &said)
	}
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrState, err)
	}
	return said.BaseURL, nil
}

// Serve answers requests on an address until the context ends, and tells other programs so. Ready is called
// with the base URL once it listens.
func Serve(ctx context.Context, folder, address string, ready func(baseURL string)) error {
	if host, _, err := net.SplitHostPort(address); err != nil || !isLoopback(host) {
		return ErrNotLocal
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	held := flock.New(filepath.Join(folder, "served.lock"))
	if ok, err := held.TryLock(); err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	} else if !ok {
		return ErrServed
	}
	defer func() { _ = held.Unlock() }()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	baseURL := "http://" + listener.Addr().String() + basePath
	if err := announce(folder, baseURL); err != nil {
		return errors.Join(err, listener.Close())
	}
	defer func() { _ = os.Remove(announcementPath(folder)) }()
	server := &http.Server{Handler: New(NewFile(folder)), ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	ready(baseURL)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err := server.Shutdown(draining); err != nil {
		return server.Close()
	}
	return nil
}

func announce(folder, baseURL string) error {
	raw, err := json.Marshal(announcement{baseURL})
	if err == nil {
		err = os.WriteFile(announcementPath(folder), raw, 0o600)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
