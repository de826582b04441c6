package health

import (
	"context"
	"time"

	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// pollTimeout is the time limit of one poll with all its retries. With many companies it is shorter, as others wait
// for their turn.
const (
	pollTimeout       = 30 * time.Second
	pollTimeoutOfMany = 10 * time.Second
)

// Poller reads the subscriptions of one company again and again. If nothing has changed and the service supports it,
// a poll costs a 304 without a body. It is not safe for concurrent use.
type Poller struct {
	Client *tripletex.Client
	// Filter selects subscriptions; the zero value selects all.
	Filter match.Filter

	last *tripletex.Snapshot
}

// Observation is the result of one poll.
type Observation struct {
	At   time.Time
	Took time.Duration
	// Subscriptions are those that the filter selects.
	Subscriptions []tripletex.Subscription
	// Absent are the ids of the filter that do not exist.
	Absent []int64
	// SessionExpiry is the end of the session that was used.
	SessionExpiry time.Time
	// RateLimit is the last reported rate limit; zero if there was none.
	RateLimit tripletex.RateLimit
}

// Poll reads the subscriptions once. An error is one of [tripletex.Error].
func (p *Poller) Poll(ctx context.Context) (Observation, error) {
	start := time.Now()
	snapshot, _, err := p.Client.Snapshot(ctx, p.last)
	if err != nil {
		return Observation{}, err
	}
	p.last = snapshot
	o := Observation{At: time.Now(), Took: time.Since(start)}
	o.Subscriptions, o.Absent = p.Filter.Select(snapshot.Subscriptions)
	session, _ := p.Client.Session(ctx) // it exists, as it was just used
	o.SessionExpiry = session.Expires
	o.RateLimit, _ = p.Client.RateLimit()
	return o, nil
}

// Statuses keeps since when each subscription has its status, as far as this process has seen.
type Statuses map[int64]struct {
	status tripletex.Status
	since  time.Time
}

// Observe records an observation and returns these times. Subscriptions that are gone are dropped.
func (s *Statuses) Observe(o Observation) map[int64]time.Time {
	current, changed := make(Statuses, len(o.Subscriptions)), make(map[int64]time.Time, len(o.Subscriptions))
	for _, one := range o.Subscriptions {
		entry, ok := (*s)[one.ID]
		if !ok || entry.status != one.Status {
			entry.status, entry.since = one.Status, o.At
		}
		current[one.ID], changed[one.ID] = entry, entry.since
	}
	*s = current
	return changed
}

// awaitReserve waits while fewer requests of the rate limit are left than the reserve for other programs, or than
// the number of requests in parallel.
func awaitReserve(ctx context.Context, client *tripletex.Client, parallel int) error {
	for {
		limit, _ := client.RateLimit()
		full := limit.Remaining < min(parallel, limit.Limit/2) && time.Now().Before(limit.Reset)
		if !full && !limit.Reserved() {
			return nil
		}
		if err := wait.Until(ctx, limit.Reset); err != nil {
			return err
		}
	}
}
