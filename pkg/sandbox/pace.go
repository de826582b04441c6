package sandbox

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/tlxhook/tlxhook/pkg/wait"
)

// emitPaced emits events at the rate without waiting for deliveries. Overdue events are emitted together.
func (d *Deliverer) emitPaced(ctx context.Context, e Emission) (all Emitted, err error) {
	start, one := time.Now(), e
	var results []*Emitted
	var senders sync.WaitGroup
	failures := make(chan error, e.Count)
	for made := 0; made < e.Count && err == nil; made += one.Count {
		next := start.Add(time.Duration(float64(made) / e.Rate * float64(time.Second)))
		if wait.Until(ctx, next) != nil {
			break
		}
		due := min(e.Count, 1+int(time.Since(start).Seconds()*e.Rate))
		one.Count = min(max(1, due-made), emitBatch)
		result := &Emitted{}
		var claimed []sending
		if claimed, err = d.claim(ctx, one, result); err == nil {
			results = append(results, result)
			senders.Go(func() { failures <- d.deliver(ctx, claimed, result) })
		}
	}
	senders.Wait()
	close(failures)
	for failed := range failures {
		err = errors.Join(err, failed)
	}
	for _, r := range results {
		all.Objects = append(all.Objects, r.Objects...)
		all.Attempts = append(all.Attempts, r.Attempts...)
		all.Skipped, all.Propagation = append(all.Skipped, r.Skipped...), r.Propagation
	}
	all.Skipped = slices.Compact(slices.Sorted(slices.Values(all.Skipped)))
	return all, errors.Join(err, ctx.Err())
}
