package receiver

import (
	"context"
	"errors"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/sender"
)

const (
	// forwardLimit bounds one attempt to forward a delivery.
	forwardLimit = 30 * time.Second
	// maxAnswer is the number of bytes read of an app's answer.
	maxAnswer = 64 << 10
	// noAnswer is the status of an attempt without an answer.
	noAnswer = -1
)

// errStopped is the error of an attempt interrupted by the end of the program.
var errStopped = errors.New("tlxhook was stopped before the app had answered")

// App receives forwarded deliveries: a [Target] over HTTP, or a [Command].
type App interface {
	// Forward makes one attempt. The entry has its body. Replay marks a replay by the user.
	Forward(ctx context.Context, e journal.Entry, replay bool) Answer
	// String names the app, without secrets.
	String() string
}

// Answer is the result of one attempt to forward a delivery.
type Answer struct {
	// Status is the HTTP status or the exit code; -1 without an answer.
	Status int
	// Body is the beginning of the answer, at most 64 KiB. It is untrusted: make it safe before printing.
	Body     []byte
	Duration time.Duration
	// RetryAfter is the requested pause, at most five minutes; 0 for none.
	RetryAfter time.Duration
	// Gone reports whether the app refuses the delivery permanently.
	Gone bool
	// Err is the reason for a failure, without secrets; nil if the app accepted the delivery.
	Err error
}

// Attempt returns the record of an answer for the journal. State is the new state of the delivery.
func (a Answer) Attempt(at time.Time, state journal.State) journal.Attempt {
	attempt := journal.Attempt{At: at, State: state, Status: a.Status, Duration: a.Duration}
	if a.Err != nil {
		attempt.Outcome, attempt.Answer = a.Err.Error(), sender.Beginning(a.Body)
	}
	return attempt
}

// redacted returns the answer with secrets masked. An error that contained one loses its cause.
func (a Answer) redacted(redact func(string) string) Answer {
	if redact == nil || a.Err == nil {
		return a
	}
	a.Body = []byte(redact(string(a.Body)))
	if text := redact(a.Err.Error()); text != a.Err.Error() {
		a.Err = errors.New(text)
	}
	return a
}
