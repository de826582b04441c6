package health

import (
	"context"
	"sync"
)

// Probes probes each distinct target once: most subscriptions share a target. It is safe for concurrent use.
type Probes struct {
	mu      sync.Mutex
	results map[string]func() error
}

// Probe returns the result of [Probe] for a target. Concurrent calls for the same target share one request.
func (p *Probes) Probe(ctx context.Context, target string) error {
	p.mu.Lock()
	if p.results == nil {
		p.results = map[string]func() error{}
	}
	probe, ok := p.results[target]
	if !ok {
		probe = sync.OnceValue(func() error { return Probe(ctx, target) })
		p.results[target] = probe
	}
	p.mu.Unlock()
	return probe()
}
