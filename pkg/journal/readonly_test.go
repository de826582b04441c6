package journal_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

func TestReadOnlyJournalCanBeListedAndShown(t *testing.T) {
	t.Parallel()
	// What stands in the way of the files that SQLite makes, as a read-only medium does.
	for name, blocked := range map[string][]string{
		"no shared memory": {"journal.db-shm"},
		"no log":           {"journal.db-wal"},
		"neither":          {"journal.db-shm", "journal.db-wal"},
		"no lock":          {"journal.db-shm", "journal.db-wal", "journal.lock"},
		"no claims":        {"journal.db-wal", "journal.claims"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			written, err := journal.Open(folder, journal.Options{})
			if err != nil {
				t.Fatal(err)
			}
			id := appendAll(t, written, delivery(1))[0]
			if err := written.Close(); err != nil {
				t.Fatal(err)
			}
			for _, file := range blocked {
				_ = os.Remove(filepath.Join(folder, file))
				if err := os.Mkdir(filepath.Join(folder, file), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			j := attach(t, folder)
			entries, _, err := j.Newest(t.Context(), journal.Filter{}, 10)
			if err != nil {
				t.Error(err)
			}
			if len(entries) != 1 {
				t.Errorf("listed %d, want 1", len(entries))
			}
			e, err := j.Get(t.Context(), id)
			if err != nil {
				t.Error(err)
			}
			if want := delivery(1).Body; string(e.Body) != string(want) {
				t.Errorf("shown %q, want %q", e.Body, want)
			}
			if err := j.Mark(t.Context(), id, journal.Attempt{At: time.Now()}); !errors.Is(err, journal.ErrUnusable) {
				t.Errorf("err = %v, want its cause %v", err, journal.ErrUnusable)
			}
		})
	}
}
