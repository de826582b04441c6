package cli

import (
	"context"
	"sync"

	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// knownEvents are asked for once in a run, and only where they are needed: they are the same for all.
type knownEvents struct {
	mu  sync.Mutex
	all []tripletex.Event
}

func (k *knownEvents) get(ctx context.Context, client *tripletex.Client) ([]tripletex.Event, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.all == nil {
		all, err := client.Events(ctx)
		if err != nil {
			return nil, err
		}
		k.all = all
	}
	return k.all, nil
}

// expand returns what a manifest wants of a company, and the events where it has patterns.
func (k *knownEvents) expand(ctx context.Context, client *tripletex.Client, m *manifest.Manifest) (want *manifest.Want, known []tripletex.Event, err error) {
	if m.HasPatterns() {
		if known, err = k.get(ctx, client); err != nil {
			return nil, nil, err
		}
	}
	want, err = m.Expand(known)
	return want, known, err
}
