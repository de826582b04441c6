package receiver

import (
	"maps"
	"sync"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

// Stats is what a receiver and a queue have done since they were made.
type Stats struct {
	// Deliveries counts what was stored, Duplicates what was stored already.
	Deliveries uint64
	Duplicates uint64
	// Unreadable counts the stored deliveries whose value is not valid JSON.
	Unreadable uint64
	Rejected   map[Reason]uint64
	// Secrets counts which of the secrets fitted, in their order.
	Secrets []uint64
	// Seconds is how long a delivery took from its first byte to the answer.
	Seconds journal.Histogram
	// Last is when the last delivery of an event came, for at most a thousand events.
	Last map[string]time.Time
	// Attempts counts tries to forward, Failures those that failed, by "status" or "no_answer".
	Attempts uint64
	Failures map[string]uint64
	// ForwardSeconds is how long an app took. InFlight counts the tries that run.
	ForwardSeconds journal.Histogram
	InFlight       int64
}

// The reasons in Stats.Failures.
const (
	FailedByStatus = "status"
	FailedNoAnswer = "no_answer"
)

// maxEvents bounds the number of events in Stats.Last.
const maxEvents = 1000

// counters are the numbers of a receiver or a queue.
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

// accepted counts a delivery that the secret of an index fitted; -1 is none.
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
	if _, known := c.stats.Last[d.Event]; known || len(c.stats.Last) < maxEvents {
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

// Stats returns the present numbers of a queue: those of forwarding.
func (q *Queue) Stats() Stats { return q.counts.snapshot() }

// Stats returns the present numbers of a receiver: those of receiving.
func (r *Receiver) Stats() Stats { return r.counts.snapshot() }
