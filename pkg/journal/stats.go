package journal

import (
	"context"
	"os"
	"sync"
	"time"
)

// Stats is what a journal holds and has done since it was opened.
type Stats struct {
	// Events, Waiting and Dead count the deliveries in all, to be forwarded, and given up.
	Events  int64
	Waiting int64
	Dead    int64
	// Outdated counts those that came after a higher version of their object. Inspect leaves it at 0.
	Outdated int64
	// Oldest is when the oldest one that waits was received; zero where none does.
	Oldest time.Time
	// Bytes is the size of the files, Free what the disk has left.
	Bytes int64
	Free  int64
	// Healthy reports whether the last write succeeded.
	Healthy bool
	// Syncs counts the groups that were written and synced, Failures those that could not be.
	Syncs    int64
	Failures int64
	// SyncSeconds is how long a group took, GroupSizes how many changes were in it.
	SyncSeconds Histogram
	GroupSizes  Histogram
}

// counters are what a writer counts.
type counters struct {
	mu    sync.Mutex
	stats Stats
}

func newCounters() *counters {
	return &counters{stats: Stats{
		SyncSeconds: NewHistogram(.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .5, 1, 5),
		GroupSizes:  NewHistogram(1, 2, 4, 8, 16, 32, 64, 128),
	}}
}

func (c *counters) wrote(changes int, took time.Duration, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.stats.Failures++
		return
	}
	c.stats.Syncs++
	c.stats.SyncSeconds.Observe(took.Seconds())
	c.stats.GroupSizes.Observe(float64(changes))
}

func (c *counters) snapshot() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.SyncSeconds, s.GroupSizes = s.SyncSeconds.Clone(), s.GroupSizes.Clone()
	return s
}

// Stats returns the present numbers.
func (j *Journal) Stats(ctx context.Context) (Stats, error) {
	s := j.writer.counts.snapshot()
	s.Healthy = j.Healthy() == nil
	s.Bytes = sizeOf(j.writer.database.path, j.writer.log.path)
	if free, err := j.space.available(); err == nil {
		s.Free = free
	}
	err := j.read(ctx, func(c *connection) (err error) {
		if err = s.count(c); err == nil {
			s.Outdated, err = c.number(`SELECT count(*) FROM delivery WHERE outdated = 1`)
		}
		return err
	})
	return s, err
}

// count fills in what the file holds.
func (s *Stats) count(c *connection) error {
	return c.query(`SELECT (SELECT count(*) FROM delivery), (SELECT count(*) FROM delivery WHERE state = 0),
		(SELECT count(*) FROM delivery WHERE state = 2),
		(SELECT received FROM delivery WHERE state = 0 ORDER BY id LIMIT 1)`, nil, func(r row) error {
		s.Events, s.Waiting, s.Dead, s.Oldest = r.int(0), r.int(1), r.int(2), moment(r[3])
		return nil
	})
}

// LastReceived returns when the last delivery of an event came; zero without any. The event may be a pattern. A
// backfilled delivery does not count, as Tripletex did not send it.
func (j *Journal) LastReceived(ctx context.Context, event string) (last time.Time, err error) {
	condition, args := Filter{Events: []string{event}}.where()
	err = j.read(ctx, func(c *connection) error {
		return c.query("SELECT received FROM delivery WHERE backfill = 0 AND "+condition+" ORDER BY id DESC LIMIT 1", args, func(r row) error {
			last = moment(r[0])
			return nil
		})
	})
	return last, err
}

// sizeOf adds the sizes of the files that are there.
func sizeOf(paths ...string) (bytes int64) {
	for _, path := range paths {
		if info, err := os.Lstat(path); err == nil {
			bytes += info.Size()
		}
	}
	return bytes
}
