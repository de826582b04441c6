package backfill

import (
	"context"
	"iter"
)

// ahead yields the items of a sequence and reads one item ahead: the next page is requested while a page is compared.
func ahead[T any](ctx context.Context, sequence func(context.Context) iter.Seq2[T, error]) iter.Seq2[T, error] {
	type item struct {
		value T
		err   error
	}
	return func(yield func(T, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		made := make(chan item)
		go func() {
			defer close(made)
			for value, err := range sequence(ctx) {
				select {
				case made <- item{value, err}:
				case <-ctx.Done():
					return
				}
			}
		}()
		defer func() {
			cancel()
			for range made { // wait for the end of the sequence
			}
		}()
		for i := range made {
			if !yield(i.value, i.err) {
				return
			}
		}
	}
}
