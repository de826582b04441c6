package journal

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// A change that is left out, as nobody waits for it, is never told to be on the disk.
func TestSkippedChangeIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	w := newIdleWriter(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	made := 0
	change := func(*connection) error { made++; return nil }
	left, kept := &request{ctx: gone, change: change, done: make(chan error, 1)},
		&request{ctx: t.Context(), change: change, done: make(chan error, 1)}
	w.waiting = []*request{left, kept}
	w.writeWaiting()
	if err := <-left.done; !errors.Is(err, context.Canceled) {
		t.Errorf("left out: %v", err)
	}
	switch err := <-kept.done; {
	case err != nil:
		t.Errorf("kept: %v", err)
	case made != 1:
		t.Errorf("kept: made = %v, want 1", made)
	}
}

func TestWaitingChangesShareASync(t *testing.T) {
	t.Parallel()
	w := newIdleWriter(t)
	const changes = 20
	var group sync.WaitGroup
	for range changes {
		group.Go(func() {
			if err := w.commit(t.Context(), func(*connection) error { return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	waiting := func() int {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.waiting)
	}
	for waiting() < changes {
		time.Sleep(time.Millisecond)
	}
	w.writeWaiting()
	group.Wait()
	stats := w.counts.snapshot()
	if stats.Syncs != 1 {
		t.Errorf("stats.Syncs = %d, want 1", stats.Syncs)
	}
	if stats.GroupSizes.Sum != changes {
		t.Errorf("the groups had %v changes, want %d", stats.GroupSizes.Sum, changes)
	}
}

// newIdleWriter returns a writer that does not run: the test decides when a group is written.
func newIdleWriter(t *testing.T) *writer {
	t.Helper()
	path := filepath.Join(t.TempDir(), fileName)
	c, err := connect(path, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return newWriter(c, path)
}
