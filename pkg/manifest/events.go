package manifest

import (
	"context"
	"sync"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Events caches the list of events of each server, which is the same for all its companies. It is safe for concurrent use.
type Events struct {
	mu     sync.Mutex
	latest map[string]*eventList // by base URL; none before the first call, and after one that failed
}

type eventList struct {
	done     chan struct{} // closed when the other fields are set
	all      []tripletex.Event
	err      error
	canceled bool // whether the context of the requester ended
}

// List returns all events. Only the first successful call sends a request to a server, and concurrent calls share its result,
// unless the context of the call that sent it ends.
func (e *Events) List(ctx context.Context, client *tripletex.Client) ([]tripletex.Event, error) {
	for {
		list := &eventList{done: make(chan struct{})}
		latest := e.replace(client.BaseURL(), nil, list)
		if latest == list {
			e.request(ctx, client, list)
			return list.all, list.err
		}
		select {
		case <-latest.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if !latest.canceled {
			return latest.all, latest.err
		}
	}
}

func (e *Events) request(ctx context.Context, client *tripletex.Client, list *eventList) {
	list.all, list.err = client.Events(ctx)
	if list.err != nil {
		list.canceled = ctx.Err() != nil
		e.replace(client.BaseURL(), list, nil)
	}
	close(list.done)
}

// replace sets the latest list of a server if it is a certain one, and returns the latest.
func (e *Events) replace(server string, old, latest *eventList) *eventList {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.latest == nil {
		e.latest = map[string]*eventList{}
	}
	if e.latest[server] == old {
		e.latest[server] = latest
	}
	return e.latest[server]
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
