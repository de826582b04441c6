// Package ahead works on the next items of a sequence while the caller uses the current result.
package ahead

import (
	"context"
	"iter"
)

// Map calls work for each item, for up to n items at the same time, and yields the results in the order of the items. It
// holds at most n results. A caller that stops early waits for the work in flight, whose context is canceled.
func Map[In, Out any](ctx context.Context, n int, items iter.Seq[In], work func(context.Context, In) Out) iter.Seq[Out] {
	return func(yield func(Out) bool) {
		ctx, cancel := context.WithCancel(ctx)
		results := make(chan chan Out, max(n-1, 0)) // one more is with the caller
		go func() {
			defer close(results)
			for item := range items {
				if !start(ctx, results, item, work) {
					return
				}
			}
		}()
		defer func() {
			cancel()
			for result := range results {
				<-result
			}
		}()
		for result := range results {
			if !yield(<-result) {
				return
			}
		}
	}
}

// start works on an item when fewer than n results wait, and reports whether ctx still goes on.
func start[In, Out any](ctx context.Context, results chan<- chan Out, item In, work func(context.Context, In) Out) bool {
	if ctx.Err() != nil {
		return false
	}
	result := make(chan Out, 1)
	select {
	case results <- result:
	case <-ctx.Done():
		return false
	}
	go func() { result <- work(ctx, item) }()
	return true
}
