package health

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/targeturl"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

const (
	heartbeatTries   = 3
	heartbeatTimeout = 10 * time.Second
	heartbeatPause   = time.Second
)

// Heartbeat reports to a service such as healthchecks.io that a watch is alive and could poll; the service raises the
// alarm when heartbeats stop. The URL is a secret: whoever knows it can keep the alarm silent.
type Heartbeat struct {
	url  secret.Text
	host string

	calls  sync.WaitGroup
	mu     sync.Mutex
	active bool // a call is in flight
	failed bool // the last call failed
}

// NewHeartbeat returns the heartbeat of a URL, which must be https, or http on this machine.
func NewHeartbeat(address secret.Text) (*Heartbeat, error) {
	u, err := url.Parse(address.Reveal())
	switch {
	case err != nil || u.Host == "":
		return nil, errors.New("what is there is no URL")
	case u.Scheme != "https" && (u.Scheme != "http" || !targeturl.IsLoopback(u.Hostname())):
		return nil, fmt.Errorf("the URL must begin with https:// (its host is %s)", u.Host)
	}
	return &Heartbeat{url: address, host: u.Host}, nil
}

// Beat sends one heartbeat, in up to three tries of ten seconds. Its error shows the host only.
func (h *Heartbeat) Beat(ctx context.Context) error {
	var err error
	for try := range heartbeatTries {
		if try > 0 {
			if err := wait.For(ctx, heartbeatPause); err != nil {
				return err
			}
		}
		if err = h.try(ctx); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return fmt.Errorf("heartbeat to %s: %w", h.host, err)
}

func (h *Heartbeat) try(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, heartbeatTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, h.url.Reveal(), nil)
	if err != nil {
		return reason(err)
	}
	request.Header.Set("User-Agent", "tlxhook")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		return reason(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode >= http.StatusMultipleChoices {
		return errors.New("it answers " + response.Status)
	}
	return nil
}

// start sends one heartbeat in the background, unless one is in flight. The first of several failures is warned about.
// A nil heartbeat does nothing.
func (h *Heartbeat) start(ctx context.Context, warn func(format string, args ...any)) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.active {
		return
	}
	h.active = true
	h.calls.Go(func() {
		err := h.Beat(ctx)
		h.mu.Lock()
		defer h.mu.Unlock()
		if err != nil && ctx.Err() == nil && !h.failed {
			warn("%v", err)
		}
		h.active, h.failed = false, err != nil
	})
}

// wait waits for the heartbeat in flight.
func (h *Heartbeat) wait() {
	if h != nil {
		h.calls.Wait()
	}
}
