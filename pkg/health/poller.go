package health

import (
	"context"
	"time"

	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// pollTimeout bounds one poll including its retries. It is shorter with many companies, which share the interval.
const (
	pollTimeout       = 30 * time.Second
	pollTimeoutOfMany = 10 * time.Second
)

// Poller reads the subscriptions of one company repeatedly. An unchanged list is answered with a 304 if the service
// supports it. A Poller is not safe for concurrent use.
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
	// Subscriptions are the subscriptions that match the filter.
	Subscriptions []tripletex.Subscription
	// Absent are the IDs of the filter that do not exist.
	Absent []int64
	// SessionExpiry is when the session expires.
	SessionExpiry time.Time
	// RateLimit is the last reported rate limit; zero if none was reported.
	RateLimit tripletex.RateLimit
}

// Poll reads the subscriptions once. Its error is a [tripletex.Error].
func (p *Poller) Poll(ctx context.Context) (Observation, error) {
	start := time.Now()
	snapshot, _, err := p.Client.Snapshot(ctx, p.last)
	if err != nil {
		return Observation{}, err
	}
	p.last = snapshot
	o := Observation{At: time.Now(), Took: time.Since(start)}
	o.Subscriptions, o.Absent = p.Filter.Select(snapshot.Subscriptions)
	session, _ := p.Client.Session(ctx) // cannot fail: the poll has just used it
	o.SessionExpiry = session.Expires
	o.RateLimit, _ = p.Client.RateLimit()
	return o, nil
}

// Statuses records when this process first saw the current status of each subscription.
type Statuses map[int64]struct {
	status tripletex.Status
	since  time.Time
}

// Observe records an observation and returns the times. Deleted subscriptions are dropped.
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

// awaitReserve waits while fewer requests remain in the rate limit than the reserve for other clients or the number of
// parallel requests.
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
