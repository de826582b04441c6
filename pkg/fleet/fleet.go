// Package fleet runs one function over many companies: a bounded number at once, results in a stable order, and
// no failure of one that hides another. It leaves what is done, asked and printed to others.
package fleet

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"
)

// DefaultParallel is how many companies are worked on at once where nobody says otherwise. The clients of a login
// share its rate limit, so that more of them wait together and never run into it.
const DefaultParallel = 16

// ErrNotBegun is the cause for a company that was not begun, as the run was stopped before its turn.
var ErrNotBegun = errors.New("not begun")

// Result is what became of one member.
type Result[T any] struct {
	Account
	Value T
	Err   error
}

// Options say how to run.
type Options struct {
	// Parallel is how many members are worked on at once; DefaultParallel where it is 0.
	Parallel int
	// Timeout is what one member may take; 0 for no limit.
	Timeout time.Duration
	// Finished is told after each member how many are done. It is called by one goroutine at a time, and may be nil.
	Finished func(done int)
}

// Run works on every member and yields the results in the order of the members, each as soon as all before it are
// there. Once ctx has ended no more members are begun: they yield [ErrNotBegun]. A caller that stops early waits for
// the work in flight, whose context ends.
func Run[T any](ctx context.Context, members []Account, o Options, work func(context.Context, Account) (T, error)) iter.Seq[Result[T]] {
	return func(yield func(Result[T]) bool) {
		ctx, cancel := context.WithCancel(ctx)
		results := make([]chan Result[T], len(members))
		for i := range results {
			results[i] = make(chan Result[T], 1)
		}
		var workers sync.WaitGroup
		defer workers.Wait()
		defer cancel()
		r := runner[T]{Options: o, work: work}
		next := make(chan int)
		for range min(r.parallel(), len(members)) {
			workers.Go(func() {
				for i := range next {
					results[i] <- r.one(ctx, members[i])
				}
			})
		}
		workers.Go(func() {
			defer close(next)
			for i := range members {
				next <- i
			}
		})
		for _, result := range results {
			if !yield(<-result) {
				return
			}
		}
	}
}

// runner is one run of work over members.
type runner[T any] struct {
	Options
	work func(context.Context, Account) (T, error)

	mu   sync.Mutex
	done int
}

func (r *runner[T]) parallel() int {
	if r.Parallel > 0 {
		return r.Parallel
	}
	return DefaultParallel
}

func (r *runner[T]) one(ctx context.Context, m Account) Result[T] {
	if err := ctx.Err(); err != nil {
		return Result[T]{Account: m, Err: fmt.Errorf("%w: %w", ErrNotBegun, context.Cause(ctx))}
	}
	if r.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.Timeout)
		defer cancel()
	}
	value, err := r.work(ctx, m)
	if r.Finished != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.done++
		r.Finished(r.done)
	}
	return Result[T]{Account: m, Value: value, Err: err}
}
