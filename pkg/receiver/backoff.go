package receiver

import (
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

const (
	minBackoff = time.Second
	maxBackoff = 5 * time.Minute
	// giveUpAfter is the time spent on a delivery after which it is dead.
	giveUpAfter = 24 * time.Hour
	// longestPause is the longest time between the ends of two attempts.
	longestPause = maxBackoff + forwardLimit
)

// triedUntil returns the time spent on a delivery, including an attempt that ends now. A longer pause, in which no
// program forwarded, counts as longestPause.
func triedUntil(e journal.Entry, now time.Time) time.Duration {
	if e.LastAttempt.IsZero() {
		return e.Tried
	}
	return e.Tried + min(max(now.Sub(e.LastAttempt), 0), longestPause)
}

// backoff returns the pause after a number of failed attempts: random between one second and a bound that doubles up to
// five minutes, so that deliveries that failed together are not retried together.
func backoff(failed int) time.Duration {
	bound := min(minBackoff<<min(failed, 9), maxBackoff)
	return minBackoff + wait.Jitter(bound-minBackoff)
}
