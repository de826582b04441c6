package receiver

import (
	"maps"
	"sync"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

// Stats are the counters of a receiver and a queue since their creation.
type Stats struct {
	// Deliveries counts stored deliveries, Duplicates those that were already stored.
	Deliveries uint64
	Duplicates uint64
	// Unreadable counts stored deliveries with an unreadable part.
	Unreadable uint64
	Rejected   map[Reason]uint64
	// Secrets counts the valid signatures per secret, in the order of the secrets.
	Secrets []uint64
	// Seconds is the time from the first byte of a request to the answer.
	Seconds journal.Histogram
	// Last is the time of the last delivery per event, for at most a thousand events.
	Last map[string]time.Time
	// Attempts counts attempts to forward, Failures the failed ones by "status" or "no_answer".
	Attempts uint64
	Failures map[string]uint64
	// ForwardSeconds is the time until an app answered. InFlight counts running attempts.
	ForwardSeconds journal.Histogram
	InFlight       int64
}

// The reasons in Stats.Failures.
const (
	FailedByStatus = "status"
	FailedNoAnswer = "no_answer"
)

const (
	// maxEvents bounds the number of events in Stats.Last.
	maxEvents = 1000
	// maxEventName bounds their names in bytes. Tripletex accepts names of 255 characters.
	maxEventName = 1024
)

// counters are the counters of a receiver or a queue.
type counters struct {
	mu    sync.Mutex
	stats Stats
}

func newCounters() *counters {
	return &counters{stats: Stats{
		Rejected: map[Reason]uint64{}, Last: map[string]time.Time{}, Failures: map[string]uint64{},
		Seconds:        journal.NewHistogram(.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5),
		ForwardSeconds: journal.NewHistogram(.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30),
	}}
}

func (c *counters) rejected(reason Reason) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Rejected[reason]++
}

// accepted counts a delivery and the index of the secret with a valid signature; -1 for none.
func (c *counters) accepted(d journal.Delivery, duplicate bool, fitting int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if duplicate {
		c.stats.Duplicates++
	} else {
		c.stats.Deliveries++
		if d.Unreadable {
			c.stats.Unreadable++
		}
	}
	for len(c.stats.Secrets) <= fitting {
		c.stats.Secrets = append(c.stats.Secrets, 0)
	}
	if fitting >= 0 {
		c.stats.Secrets[fitting]++
	}
	c.stats.Seconds.Observe(now.Sub(d.Received).Seconds())
	if _, known := c.stats.Last[d.Event]; len(d.Event) <= maxEventName && (known || len(c.stats.Last) < maxEvents) {
		c.stats.Last[d.Event] = now
	}
}

func (c *counters) start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Attempts++
	c.stats.InFlight++
}

func (c *counters) end(a Answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.InFlight--
	c.stats.ForwardSeconds.Observe(a.Duration.Seconds())
	switch {
	case a.Err == nil:
	case a.Status == noAnswer:
		c.stats.Failures[FailedNoAnswer]++
	default:
		c.stats.Failures[FailedByStatus]++
	}
}

func (c *counters) snapshot() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Rejected, s.Last, s.Failures = maps.Clone(s.Rejected), maps.Clone(s.Last), maps.Clone(s.Failures)
	s.Secrets = append([]uint64(nil), s.Secrets...)
	s.Seconds, s.ForwardSeconds = s.Seconds.Clone(), s.ForwardSeconds.Clone()
	return s
}

// Stats returns the counters of forwarding.
func (q *Queue) Stats() Stats { return q.counts.snapshot() }

// Stats returns the counters of receiving.
func (r *Receiver) Stats() Stats { return r.counts.snapshot() }
