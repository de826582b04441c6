package cli

import (
	"context"
	"sync"

	"github.com/tlxhook/tlxhook/pkg/health"
)

// heartbeat calls a URL beside the watch, one call at a time. Nil does nothing.
type heartbeat struct {
	app    *App
	to     *health.Heartbeat
	calls  sync.WaitGroup
	mu     sync.Mutex
	active bool
	failed bool
}

// heartbeat returns the heartbeat of a file that holds its URL; nil for none.
func (a *App) heartbeat(file string) (*heartbeat, error) {
	if file == "" {
		return nil, nil
	}
	address, err := a.secretFrom(file)
	if err != nil {
		return nil, wrapFlag("--heartbeat-url-file", err)
	}
	to, err := health.NewHeartbeat(address)
	if err != nil {
		return nil, usageFailure("--heartbeat-url-file: %w", err)
	}
	return &heartbeat{app: a, to: to}, nil
}

// beat calls once. Where the call before has not ended that one counts.
func (h *heartbeat) beat(ctx context.Context) {
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
		err := h.to.Beat(ctx)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.active = false
		if err != nil && ctx.Err() == nil && !h.failed {
			h.app.warn("%v", err)
		}
		h.failed = err != nil
	})
}

func (h *heartbeat) wait() {
	if h != nil {
		h.calls.Wait()
	}
}
