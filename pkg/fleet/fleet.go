// Package fleet runs one function over many companies: with bounded parallelism, results in a stable order, and failures
// that do not stop the other companies.
package fleet

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"
)

// DefaultParallel is the default number of companies that run in parallel. The clients of a login share its rate limit,
// so a higher number makes them wait for the limit together instead of exceeding it.
const DefaultParallel = 16

// ErrNotStarted is the error of an account that the run did not start because its context had ended.
var ErrNotStarted = errors.New("not started")

// Result is the result of one account.
type Result[T any] struct {
	Account
	Value T
	Err   error
}

// Options configure a run.
type Options struct {
	// Parallel is the number of accounts that run in parallel; 0 for [DefaultParallel].
	Parallel int
	// Timeout bounds the work on one account; 0 for no limit.
	Timeout time.Duration
	// Finished is called after each account with the number of finished ones, never concurrently; it may be nil.
	Finished func(done int)
}

// Run calls work for every account and yields the results in the order of the accounts, each as soon as the earlier ones
// are available. Accounts that are not started when ctx ends yield [ErrNotStarted]. A caller that stops early waits for
// the work in flight, whose context is canceled.
func Run[T any](ctx context.Context, accounts []Account, o Options, work func(context.Context, Account) (T, error)) iter.Seq[Result[T]] {
	return func(yield func(Result[T]) bool) {
		ctx, cancel := context.WithCancel(ctx)
		results := make([]chan Result[T], len(accounts))
		for i := range results {
			results[i] = make(chan Result[T], 1)
		}
		var workers sync.WaitGroup
		defer workers.Wait()
		defer cancel()
		r := runner[T]{Options: o, work: work}
		next := make(chan int)
		for range min(r.parallel(), len(accounts)) {
			workers.Go(func() {
				for i := range next {
					results[i] <- r.one(ctx, accounts[i])
				}
			})
		}
		workers.Go(func() {
			defer close(next)
			for i := range accounts {
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

// runner is the state of one run.
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
		return Result[T]{Account: m, Err: fmt.Errorf("%w: %w", ErrNotStarted, context.Cause(ctx))}
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
