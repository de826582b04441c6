package receiver

import (
	"context"
	"errors"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/sender"
)

const (
	// forwardLimit is how long an app may take for one delivery.
	forwardLimit = 30 * time.Second
	// maxAnswer is how much is kept of what an app answers, in bytes.
	maxAnswer = 64 << 10
	// noAnswer is the status where an app gave none.
	noAnswer = -1
)

// errStopped is the error of a try that the end of the program cut off.
var errStopped = errors.New("tlxhook was stopped before the app had answered")

// App takes deliveries: a [Target] over HTTP, or a [Command].
type App interface {
	// Forward hands over one delivery, once. The delivery has its body; replay marks a manual repeat.
	Forward(ctx context.Context, e journal.Entry, replay bool) Answer
	// String names the app without secrets.
	String() string
}

// Answer is what became of one try to forward a delivery.
type Answer struct {
	// Status is the HTTP status or the exit code, -1 where there was none.
	Status int
	// Body is the beginning of the response, at most 64 KiB. It is foreign text: make it safe before printing.
	Body     []byte
	Duration time.Duration
	// RetryAfter is how long the app asked to wait, at most five minutes; 0 where it did not.
	RetryAfter time.Duration
	// Gone reports whether the app refuses the delivery permanently.
	Gone bool
	// Err is why the app has not accepted the delivery; nil if it has. It has no secrets.
	Err error
}

// Attempt returns what the journal keeps of an answer, where the delivery now has a state.
func (a Answer) Attempt(at time.Time, state journal.State) journal.Attempt {
	attempt := journal.Attempt{At: at, State: state, Status: a.Status, Duration: a.Duration}
	if a.Err != nil {
		attempt.Outcome, attempt.Answer = a.Err.Error(), sender.Beginning(a.Body)
	}
	return attempt
}

// redacted returns an answer without secrets. An error that holds one loses its cause.
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
