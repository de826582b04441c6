package receiver

import (
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

const (
	minBackoff = time.Second
	maxBackoff = 5 * time.Minute
	// giveUpAfter is how long forwarding a delivery is tried before that is dead.
	giveUpAfter = 24 * time.Hour
	// longestPause is the longest time between the ends of two attempts while a program forwards.
	longestPause = maxBackoff + forwardLimit
)

// triedUntil returns the time in which forwarding a delivery was tried, with an attempt that ends now. A pause in which
// no program forwarded counts as the longest that one would have made.
func triedUntil(e journal.Entry, now time.Time) time.Duration {
	if e.LastAttempt.IsZero() {
		return e.Tried
	}
	return e.Tried + min(max(now.Sub(e.LastAttempt), 0), longestPause)
}

// backoff returns how long to wait after a number of failed attempts: at random between a second and a bound that
// doubles, up to five minutes, so that what failed together does not come again together.
func backoff(failed int) time.Duration {
	bound := maxBackoff
	if failed < 9 {
		bound = minBackoff << failed
	}
	bound = min(bound, maxBackoff)
	return minBackoff + wait.Jitter(bound-minBackoff)
}
