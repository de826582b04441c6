package manifest

import (
	"context"
	"sync"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Events caches the list of events, which is the same for every company. It is safe for concurrent use.
type Events struct {
	mu     sync.Mutex
	latest *eventList // nil before the first call, and after one that failed
}

type eventList struct {
	done chan struct{} // closed when the other fields are set
	all  []tripletex.Event
	err  error
}

// List returns all events. Only the first successful call sends a request, and concurrent calls share its result.
func (e *Events) List(ctx context.Context, client *tripletex.Client) ([]tripletex.Event, error) {
	list := &eventList{done: make(chan struct{})}
	if other := e.replace(nil, list); other != list {
		select {
		case <-other.done:
			return other.all, other.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	list.all, list.err = client.Events(ctx)
	if list.err != nil {
		e.replace(list, nil)
	}
	close(list.done)
	return list.all, list.err
}

// replace sets the latest list if it is a certain one, and returns the latest.
func (e *Events) replace(old, latest *eventList) *eventList {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.latest == old {
		e.latest = latest
	}
	return e.latest
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
