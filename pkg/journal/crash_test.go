package journal_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

// crashed returns what lies on the disk where a program that receives ends at once: the file, the log that is not in
// it yet, and what was stored.
func crashed(t *testing.T) (database, log []byte, stored []journal.Delivery) {
	t.Helper()
	folder := t.TempDir()
	j := open(t, folder)
	for n := range 30 {
		stored = append(stored, delivery(n*97))
	}
	appendAll(t, j, stored...)
	path := filepath.Join(folder, "journal.db")
	database, err1 := os.ReadFile(path)
	log, err2 := os.ReadFile(path + "-wal")
	switch err := errors.Join(err1, err2); {
	case err != nil:
		t.Fatal(err)
	case len(log) == 0:
		t.Fatal("len(log) = 0")
	}
	return database, log, stored
}

// afterCrash opens the files of a crash, and returns how many of the deliveries are there: the first ones, each as it was.
func afterCrash(t *testing.T, database, log []byte, stored []journal.Delivery) int {
	t.Helper()
	folder := t.TempDir()
	path := filepath.Join(folder, "journal.db")
	if err := errors.Join(os.WriteFile(path, database, 0o600), os.WriteFile(path+"-wal", log, 0o600)); err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(folder, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	ids := list(t, j, journal.Filter{})
	for n, id := range ids {
		e, err := j.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if id != int64(n+1) {
			t.Fatalf("delivery %d of %d is not as it was: %v", id, len(ids), err)
		}
		if !reflect.DeepEqual(e.Delivery, stored[n]) {
			t.Fatalf("delivery %d of %d is not as it was: %v", id, len(ids), err)
		}
	}
	if next := appendAll(t, j, delivery(9999))[0]; next != int64(len(ids)+1) {
		t.Fatalf("the next id is %d", next)
	}
	return len(ids)
}

func TestACrashLosesNothingThatWasStored(t *testing.T) {
	t.Parallel()
	database, log, stored := crashed(t)
	if n := afterCrash(t, database, log, stored); n != len(stored) {
		t.Errorf("%d of %d are there", n, len(stored))
	}
}
