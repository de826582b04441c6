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

// Heartbeat reports successful polls to a service such as healthchecks.io, which alerts when heartbeats stop. The URL
// is a secret: it allows suppressing the alert.
type Heartbeat struct {
	url  secret.Text
	host string

	calls  sync.WaitGroup
	mu     sync.Mutex
	active bool // a call is in flight
	failed bool // the last call failed
}

// NewHeartbeat returns the heartbeat for a URL, which must be https, or http on the loopback interface.
func NewHeartbeat(address secret.Text) (*Heartbeat, error) {
	u, err := url.Parse(address.Reveal())
	switch {
	case err != nil || u.Host == "":
		return nil, errors.New("invalid heartbeat URL")
	case u.Scheme != "https" && (u.Scheme != "http" || !targeturl.IsLoopback(u.Hostname())):
		return nil, fmt.Errorf("heartbeat URL must begin with https:// (host %s)", u.Host)
	}
	return &Heartbeat{url: address, host: u.Host}, nil
}

// Beat sends one heartbeat in up to three attempts of ten seconds each. Its error contains only the host.
func (h *Heartbeat) Beat(ctx context.Context) error {
	for tries := 1; ; tries++ {
		err := h.try(ctx)
		switch {
		case err == nil || ctx.Err() != nil:
			return err
		case tries == heartbeatTries:
			return fmt.Errorf("heartbeat to %s: %w", h.host, err)
		}
		if err := wait.For(ctx, heartbeatPause); err != nil {
			return err
		}
	}
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
		return errors.New("unexpected status " + response.Status)
	}
	return nil
}

// start sends one heartbeat in the background, unless one is in flight. It warns of the first of consecutive failures.
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
