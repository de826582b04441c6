package health

import (
	"context"
	"crypto/rand"
	"math/big"
	"slices"
	"time"

	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// pollTimeout is how long one look may take, with all its repeats. One of many has less, as others wait for their turn.
const (
	pollTimeout       = 30 * time.Second
	pollTimeoutOfMany = 10 * time.Second
)

// Poller looks at the subscriptions of one company again and again. Where nothing changed that costs a 304
// without a body, if the service gives one. It is not safe for concurrent use.
type Poller struct {
	Client *tripletex.Client
	// Filter chooses subscriptions; the zero value takes all.
	Filter match.Filter

	before *tripletex.Snapshot
}

// Look is what was seen at one moment.
type Observation struct {
	At   time.Time
	Took time.Duration
	// Subscriptions are those that the filter chose.
	Subscriptions []tripletex.Subscription
	// Absent are ids that the filter names and that are not there.
	Absent []int64
	// Session is when the session ends that was used.
	Session time.Time
	// RateLimit is what the service last said of it; zero where it said nothing.
	RateLimit tripletex.RateLimit
}

// Look asks once. An error is one of [tripletex.Error].
func (s *Poller) Poll(ctx context.Context) (Observation, error) {
	start := time.Now()
	now, _, err := s.Client.Snapshot(ctx, s.before)
	if err != nil {
		return Observation{}, err
	}
	s.before = now
	look := Observation{At: time.Now(), Took: time.Since(start)}
	look.Subscriptions, look.Absent = Choose(s.Filter, now.Subscriptions)
	session, _ := s.Client.Session(ctx) // there is one, as it was just used
	look.Session = session.Expires
	look.RateLimit, _ = s.Client.RateLimit()
	return look, nil
}

// Choose returns the subscriptions that pass a filter, and the ids of the filter that are not there at all.
func Choose(filter match.Filter, all []tripletex.Subscription) (chosen []tripletex.Subscription, absent []int64) {
	if filter.Empty() {
		return all, nil
	}
	absent = slices.Clone(filter.IDs)
	for _, one := range all {
		absent = slices.DeleteFunc(absent, func(id int64) bool { return id == one.ID })
		if filter.Match(one) {
			chosen = append(chosen, one)
		}
	}
	return chosen, absent
}

// Statuses remembers since when each subscription has the status that it has, as far as this process knows.
type Statuses map[int64]struct {
	is    tripletex.Status
	since time.Time
}

// Observe takes a look in, and returns those times. What is gone is forgotten.
func (s *Statuses) Observe(look Observation) map[int64]time.Time {
	now, changed := make(Statuses, len(look.Subscriptions)), make(map[int64]time.Time, len(look.Subscriptions))
	for _, one := range look.Subscriptions {
		known, ok := (*s)[one.ID]
		if !ok || known.is != one.Status {
			known.is, known.since = one.Status, look.At
		}
		now[one.ID], changed[one.ID] = known, known.since
	}
	*s = now
	return changed
}

// awaitReserve waits while the reserve of a client's rate limit is touched: others share it. Of requests that are sent
// at once all want their place before it.
func awaitReserve(ctx context.Context, client *tripletex.Client, atOnce int) error {
	for {
		limit, _ := client.RateLimit()
		full := limit.Remaining < min(atOnce, limit.Limit/2) && time.Now().Before(limit.Reset)
		if !full && !limit.Reserved() {
			return nil
		}
		if err := waitUntil(ctx, limit.Reset); err != nil {
			return err
		}
	}
}

// waitUntil waits for a time, which may be over. Its error is that of the context.
func waitUntil(ctx context.Context, at time.Time) error {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return ctx.Err()
	}
}

// jitter returns a random duration below d.
func jitter(d time.Duration) time.Duration {
	n, err := rand.Int(rand.Reader, big.NewInt(int64(d)+1))
	if err != nil {
		return d
	}
	return time.Duration(n.Int64())
}
