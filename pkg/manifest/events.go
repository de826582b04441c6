package manifest

import (
	"context"
	"sync"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Events caches the list of events, which is the same for every company. It is safe for concurrent use.
type Events struct {
	mu  sync.Mutex
	all []tripletex.Event
}

// List returns all events. Only the first successful call sends a request.
func (e *Events) List(ctx context.Context, client *tripletex.Client) ([]tripletex.Event, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.all == nil {
		all, err := client.Events(ctx)
		if err != nil {
			return nil, err
		}
		e.all = all
	}
	return e.all, nil
}

// Expand expands the patterns of a manifest. The events are nil if the manifest has no pattern.
func (e *Events) Expand(ctx context.Context, client *tripletex.Client, m *Manifest) (want *Want, known []tripletex.Event, err error) {
	if m.HasPatterns() {
		if known, err = e.List(ctx, client); err != nil {
			return nil, nil, err
		}
	}
	want, err = m.Expand(known)
	return want, known, err
}
