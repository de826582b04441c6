package health

import (
	"context"
	"sync"
)

// Probes probes each target once, as most subscriptions share one. It is safe for concurrent use.
type Probes struct {
	mu    sync.Mutex
	known map[string]func() error
}

// Probe returns the result of [Probe] for a target.
func (p *Probes) Probe(ctx context.Context, target string) error {
	p.mu.Lock()
	if p.known == nil {
		p.known = map[string]func() error{}
	}
	probe, ok := p.known[target]
	if !ok {
		probe = sync.OnceValue(func() error { return Probe(ctx, target) })
		p.known[target] = probe
	}
	p.mu.Unlock()
	return probe()
}
