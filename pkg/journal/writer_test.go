package journal

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
)

// A change that is left out, as nobody waits for it, is never told to be on the disk.
func TestSkippedChangeIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), fileName)
	c, err := connect(path, true)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	w := newWriter(c, path) // it does not run: the test decides when a group is written
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
