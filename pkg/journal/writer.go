package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// retryAfter is the pause after a failure before the writer retries by itself.
const retryAfter = time.Second

// writer is the single goroutine that writes. It commits in groups: changes requested while one group is synced form
// the next group.
type writer struct {
	connection *connection
	database   place
	log        place
	counts     *counters

	mu      sync.Mutex
	waiting []*request
	failure error
	closed  bool
	wake    chan struct{} // a change is waiting
	quit    chan struct{}
	done    chan struct{}
}

// request is a change to be committed.
type request struct {
	ctx    context.Context
	change func(*connection) error
	err    error // the reason why it was left out
	done   chan error
}

func newWriter(c *connection, path string) *writer {
	w := &writer{
		connection: c, database: place{path: path}, log: place{path: path + "-wal"},
		wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}), counts: newCounters(),
	}
	w.failure = w.inPlace()
	return w
}

// commit executes a change in a transaction, possibly together with others, and returns when it is durable. If ctx ends
// before, the change may still be made.
func (w *writer) commit(ctx context.Context, change func(*connection) error) error {
	r := &request{ctx: ctx, change: change, done: make(chan error, 1)}
	w.mu.Lock()
	switch {
	case w.closed:
		w.mu.Unlock()
		return ErrClosed
	case w.failure != nil:
		err := w.failure
		w.mu.Unlock()
		return err
	}
	w.waiting = append(w.waiting, r)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default: // already awake
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *writer) healthy() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failure
}

// close commits the waiting changes and ends the writer.
func (w *writer) close() error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return ErrClosed
	}
	w.closed = true
	w.mu.Unlock()
	close(w.quit)
	<-w.done
	return nil
}

func (w *writer) run() {
	defer close(w.done)
	retry := time.NewTicker(retryAfter)
	defer retry.Stop()
	for {
		select {
		case <-w.wake:
			w.writeWaiting()
		case <-w.quit:
			w.writeWaiting()
			return
		case <-retry.C:
			if err := w.healthy(); err != nil && !errors.Is(err, ErrReadOnly) {
				w.fail(w.recover())
			}
		}
	}
}

// writeWaiting commits the waiting changes.
func (w *writer) writeWaiting() {
	w.mu.Lock()
	group := w.waiting
	w.waiting = nil
	failure := w.failure
	w.mu.Unlock()
	if len(group) == 0 {
		return
	}
	if failure == nil {
		start := time.Now()
		failure = w.write(group)
		w.counts.wrote(len(group), time.Since(start), failure)
		w.fail(failure)
	}
	for _, r := range group {
		if failure != nil {
			r.err = failure
		}
		r.done <- r.err
	}
}

// write commits one group, all or nothing. It fails if the file was moved or removed, because its content would be
// lost.
func (w *writer) write(group []*request) error {
	if _, err := w.connection.exec(`BEGIN IMMEDIATE`); err != nil {
		return explain("write the journal", err)
	}
	var err error
	for _, r := range group {
		if r.err = r.ctx.Err(); r.err != nil {
			continue // the caller has gone
		}
		if err = r.change(w.connection); err != nil {
			break
		}
	}
	if err == nil {
		_, err = w.connection.exec(`COMMIT`)
	}
	if err != nil {
		_, _ = w.connection.exec(`ROLLBACK`) // SQLite may have rolled back already
		return explain("write the journal", err)
	}
	return w.inPlace()
}

func (w *writer) inPlace() error {
	if err := w.database.look(); err != nil {
		return explain("write the journal", err)
	}
	return explain("write the journal", w.log.look())
}

// fail records the error of the last write; nil for success.
func (w *writer) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		w.failure = nil
		return
	}
	w.failure = fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// recover writes after a failure. After a failed sync, the kernel may drop unwritten pages and report success for the
// next sync. So the whole log is rewritten to the file and synced before anything is accepted.
func (w *writer) recover() error {
	if err := w.inPlace(); err != nil {
		return err
	}
	if err := checkpoint(w.connection); err != nil {
		return err
	}
	return w.write([]*request{{ctx: context.Background(), change: func(c *connection) error {
		_, err := c.exec(fmt.Sprintf(`PRAGMA user_version = %d`, currentVersion()))
		return err
	}}})
}
