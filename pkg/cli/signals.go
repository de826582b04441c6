package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// interrupted is the error of a run that a signal ended.
type interrupted struct {
	signal os.Signal
	err    error
}

func (i *interrupted) Error() string { return i.err.Error() }
func (i *interrupted) Unwrap() error { return i.err }

// exitCode is what a shell expects of a process that a signal ended.
func (i *interrupted) exitCode() int {
	if i.signal == syscall.SIGTERM {
		return exitTerminated
	}
	return exitInterrupted
}

// interruptible runs a command in a context that the first SIGINT or SIGTERM ends. A second one ends the process
// at once.
func interruptible(parent context.Context, do func(context.Context) error) error {
	ctx, stop := untilSignal(parent)
	defer stop()
	err := do(ctx)
	if s, ok := errors.AsType[signaled](context.Cause(ctx)); ok && err != nil {
		return &interrupted{s.signal, err}
	}
	return err
}

var errInterrupted = errors.New("interrupted")

// signaled is the cause of a context that a signal ended.
type signaled struct{ signal os.Signal }

func (s signaled) Error() string { return errInterrupted.Error() }

// untilSignal returns a context that the first SIGINT or SIGTERM ends. A second one ends the process at once.
func untilSignal(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	received := make(chan os.Signal, 1)
	signal.Notify(received, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case s := <-received:
			signal.Stop(received)
			cancel(signaled{s})
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(received)
		cancel(nil)
	}
}
