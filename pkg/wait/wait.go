// Package wait pauses a goroutine until a time has passed or its context ends. It is the only user of math/rand/v2.
package wait

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"time"
)

// For waits for d, or until ctx ends. It returns the error of ctx, or nil if d has passed first.
func For(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
	return ctx.Err()
}

// Until waits until at, or until ctx ends. It returns the error of ctx. A time in the past does not wait.
func Until(ctx context.Context, at time.Time) error { return For(ctx, time.Until(at)) }

// Read runs a read that may block, such as of a pipe, until ctx ends. A blocked read then goes on by itself.
func Read[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := read()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// MaxFile is the maximum size of a file that is read at once, in bytes.
const MaxFile = 16 << 20

// ErrTooLarge means that a file is larger than [MaxFile], or has no end, as a device.
var ErrTooLarge = errors.New("larger than 16 MiB")

// ReadAll reads a file of at most [MaxFile] bytes. The error names the file.
func ReadAll(file *os.File) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(file, MaxFile+1))
	if len(raw) > MaxFile {
		return nil, &fs.PathError{Op: "read", Path: file.Name(), Err: ErrTooLarge}
	}
	return raw, err
}

// ReadFile reads a file of at most [MaxFile] bytes. It ends with ctx, as a named pipe may block.
func ReadFile(ctx context.Context, name string) ([]byte, error) {
	return Read(ctx, func() ([]byte, error) {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }()
		return ReadAll(file)
	})
}

// Jitter returns a random duration from 0 to d, so that clients do not retry at the same time.
func Jitter(d time.Duration) time.Duration { return rand.N(d + 1) }

// FinishTime is how long a request in flight may take after its context was canceled.
const FinishTime = 10 * time.Second

// ErrUnfinished is the cause of the end of a context of [Finishing] by cancellation. It is a [context.Canceled].
var ErrUnfinished error = unfinished{}

type unfinished struct{}

func (unfinished) Error() string {
	return "interrupted; no response within " + Text(FinishTime) + ", result unknown"
}
func (unfinished) Unwrap() error { return context.Canceled }

// Finishing returns a context that keeps the deadline of ctx and ends [FinishTime] after its cancellation, so that a
// request in flight can be finished and reported.
func Finishing(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		if errors.Is(ctx.Err(), context.Canceled) && For(longer, FinishTime) == nil {
			cancel(ErrUnfinished)
		}
	})
	limited, end := longer, context.CancelFunc(func() {})
	if deadline, ok := ctx.Deadline(); ok {
		limited, end = context.WithDeadline(longer, deadline)
	}
	return limited, func() {
		stop()
		end()
		cancel(nil)
	}
}

// Extended returns a context that ends d after ctx does, so that results can be printed after a timeout.
func Extended(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		defer cancel()
		_ = For(longer, d) // ends early if the caller is done
	})
	return longer, func() {
		stop()
		cancel()
	}
}
