package journal

import (
	"context"
	"os"
	"sync"
	"time"
)

// Stats are the contents of a journal and its counters since it was opened.
type Stats struct {
	// Events, Waiting and Dead are the numbers of all, pending and dead deliveries.
	Events  int64
	Waiting int64
	Dead    int64
	// Outdated counts deliveries received after a higher version of their object. Inspect leaves it at 0.
	Outdated int64
	// Oldest is the time of receipt of the oldest pending delivery; zero without one.
	Oldest time.Time
	// Bytes is the size of the files, Free the free disk space, both in bytes.
	Bytes int64
	Free  int64
	// Healthy reports whether the last write succeeded.
	Healthy bool
	// Syncs counts groups that were written and synced, Failures those that failed.
	Syncs    int64
	Failures int64
	// SyncSeconds is the duration of writing a group, GroupSizes the number of changes in it.
	SyncSeconds Histogram
	GroupSizes  Histogram
}

// counters are the counters of a writer.
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

// Stats returns the current counts.
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

// count reads the counts from the file.
func (s *Stats) count(c *connection) error {
	return c.query(`SELECT (SELECT count(*) FROM delivery), (SELECT count(*) FROM delivery WHERE state = 0),
		(SELECT count(*) FROM delivery WHERE state = 2),
		(SELECT received FROM delivery WHERE state = 0 ORDER BY id LIMIT 1)`, nil, func(r row) error {
		s.Events, s.Waiting, s.Dead, s.Oldest = r.int(0), r.int(1), r.int(2), moment(r[3])
		return nil
	})
}

// LastReceived returns the time of the last delivery of an event, which may be a pattern; zero without one. Backfilled
// deliveries do not count.
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

// sizeOf returns the total size of the files that exist.
func sizeOf(paths ...string) (bytes int64) {
	for _, path := range paths {
		if info, err := os.Lstat(path); err == nil {
			bytes += info.Size()
		}
	}
	return bytes
}
