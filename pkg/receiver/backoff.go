package receiver

import (
	"time"

	"github.com/tlxhook/tlxhook/pkg/wait"
)

const (
	minBackoff = time.Second
	maxBackoff = 5 * time.Minute
	// giveUpAfter is how long an app may refuse a delivery before that is dead.
	giveUpAfter = 24 * time.Hour
)

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
