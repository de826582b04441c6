package health

import (
	"context"
	"crypto/rand"
	"iter"
	"math/big"
	"slices"
	"time"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// lookLimit is how long one look may take, with all its repeats.
const lookLimit = 30 * time.Second

// Source looks at the subscriptions of one company again and again. Where nothing changed that costs a 304
// without a body, if the service gives one. It is not safe for concurrent use.
type Source struct {
	Client *tripletex.Client
	// Filter chooses subscriptions; the zero value takes all.
	Filter tripletex.Filter

	before *tripletex.Snapshot
}

// Look is what was seen at one moment.
type Look struct {
	At   time.Time
	Took time.Duration
	// Subscriptions are those that the filter chose.
	Subscriptions []tripletex.Subscription
	// Absent are ids that the filter names and that are not there.
	Absent []int64
	// RateLimit is what the service last said of it; zero where it said nothing.
	RateLimit tripletex.RateLimit
}

// Look asks once. An error is one of [tripletex.Error].
func (s *Source) Look(ctx context.Context) (Look, error) {
	start := time.Now()
	now, _, err := s.Client.Snapshot(ctx, s.before)
	if err != nil {
		return Look{}, err
	}
	s.before = now
	look := Look{At: time.Now(), Took: time.Since(start)}
	look.Subscriptions, look.Absent = Choose(s.Filter, now.Subscriptions)
	look.RateLimit, _ = s.Client.RateLimit()
	return look, nil
}

// Choose returns the subscriptions that pass a filter, and the ids of the filter that are not there at all.
func Choose(filter tripletex.Filter, all []tripletex.Subscription) (chosen []tripletex.Subscription, absent []int64) {
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

// Looks yields a look, or why it failed, until the context ends: one at once and then one every interval, a tenth
// more or less, so that many watchers do not ask at the same moment. While the reserve of the rate limit is
// touched it waits for the next period: others share the limit.
func (s *Source) Looks(ctx context.Context, interval time.Duration) iter.Seq2[Look, error] {
	return func(yield func(Look, error) bool) {
		for {
			limited, cancel := context.WithTimeout(ctx, lookLimit)
			look, err := s.Look(limited)
			cancel()
			if ctx.Err() != nil || !yield(look, err) {
				return
			}
			wait := interval - interval/10 + jitter(interval/5)
			if limit, _ := s.Client.RateLimit(); Reserved(limit) {
				wait = max(wait, time.Until(limit.Reset))
			}
			timer := time.NewTimer(wait)
			select {
			case <-ctx.Done():
				timer.Stop()
				return
			case <-timer.C:
			}
		}
	}
}

// Reserved tells whether less than a tenth of a rate limit is left in its period: that much is for others.
func Reserved(limit tripletex.RateLimit) bool {
	return limit.Remaining*10 < limit.Limit && time.Now().Before(limit.Reset)
}

// jitter returns a random duration below d.
func jitter(d time.Duration) time.Duration {
	n, err := rand.Int(rand.Reader, big.NewInt(int64(d)+1))
	if err != nil {
		return d
	}
	return time.Duration(n.Int64())
}
