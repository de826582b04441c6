// Package fleet runs one function over many companies: a bounded number at once, results in a stable order, and
// no failure of one that hides another. It leaves what is done, asked and printed to others.
package fleet

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// DefaultParallel is how many companies are worked on at once where nobody says otherwise. The clients of a login
// share its rate limit, so that more of them wait together and never run into it.
const DefaultParallel = 16

// ErrNotBegun is the cause for a company that was not begun, as the run was stopped before its turn.
var ErrNotBegun = errors.New("not begun")

// Member is one company that a login reaches.
type Member struct {
	// Profile is the name of the login, and may be empty.
	Profile string
	// CompanyID is 0 for the login's own company.
	CompanyID int64
	Company   string
	Client    *tripletex.Client
}

// Name returns what a person calls the member: its company, else its profile. A company without a name is called
// by its id.
func (m Member) Name() string {
	switch {
	case m.Company != "":
		return m.Company
	case m.CompanyID != 0:
		return strconv.FormatInt(m.CompanyID, 10)
	default:
		return m.Profile
	}
}

// Clients returns a member for every client company that a login reaches, in the order of the service.
func Clients(ctx context.Context, login Member) ([]Member, error) {
	var all []Member
	for c, err := range login.Client.Companies(ctx) {
		if err != nil {
			return nil, err
		}
		all = append(all, Member{login.Profile, c.ID, c.Name, login.Client.ForCompany(c.ID)})
	}
	return all, nil
}

// Path names the login and the company for programs, such as acme/2001.
func (m Member) Path() string {
	if m.CompanyID == 0 {
		return m.Profile
	}
	return strings.TrimPrefix(m.Profile+"/"+strconv.FormatInt(m.CompanyID, 10), "/")
}

// Result is what became of one member.
type Result[T any] struct {
	Member
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
func Run[T any](ctx context.Context, members []Member, o Options, work func(context.Context, Member) (T, error)) iter.Seq[Result[T]] {
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
	work func(context.Context, Member) (T, error)

	mu   sync.Mutex
	done int
}

func (r *runner[T]) parallel() int {
	if r.Parallel > 0 {
		return r.Parallel
	}
	return DefaultParallel
}

func (r *runner[T]) one(ctx context.Context, m Member) Result[T] {
	if err := ctx.Err(); err != nil {
		return Result[T]{Member: m, Err: fmt.Errorf("%w: %w", ErrNotBegun, context.Cause(ctx))}
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
	return Result[T]{Member: m, Value: value, Err: err}
}
