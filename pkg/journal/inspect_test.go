package journal_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

// files returns the names and contents of a folder.
func files(t *testing.T, folder string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, e := range entries {
		raw, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = string(raw)
	}
	return all
}

func TestInspectReportsTheContentAndChangesNothing(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "journal")
	j, err := journal.Open(folder, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	received := time.Date(2025, 11, 20, 12, 0, 0, 0, time.UTC)
	for n := range 3 {
		_, err := j.Append(t.Context(), journal.Delivery{Key: strconv.Itoa(n), Received: received, Event: "order.create", Body: []byte("{}")})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Mark(t.Context(), 2, journal.Attempt{At: received, State: journal.Dead, Status: 410}); err != nil {
		t.Fatal(err)
	}
	if err := j.Note(t.Context(), journal.ReceiverNote, "a test"); err != nil {
		t.Fatal(err)
	}
	got, err := journal.Inspect(folder)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Receiving {
		t.Error("got.Receiving = false, want true")
	}
	if got.Receiver != "a test" {
		t.Errorf("got.Receiver = %q, want %q", got.Receiver, "a test")
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	before := files(t, folder)
	if got, err = journal.Inspect(folder); err != nil {
		t.Fatal(err)
	}
	switch s := got.Stats; {
	case got.Receiving:
		t.Error("got.Receiving = true, want false")
	case s.Events != 3:
		t.Errorf("s.Events = %v, want 3", s.Events)
	case s.Waiting != 2:
		t.Errorf("s.Waiting = %v, want 2", s.Waiting)
	case s.Dead != 1:
		t.Errorf("s.Dead = %v, want 1", s.Dead)
	case !s.Oldest.Equal(received):
		t.Errorf("s.Oldest = %v, want %v", s.Oldest, received)
	case s.Bytes == 0:
		t.Error("s.Bytes = 0")
	case !got.Whole:
		t.Error("got.Whole = false, want true")
	}
	for name, content := range files(t, folder) {
		if before[name] != content {
			t.Errorf("%s was changed", name)
		}
	}
}

func TestInspectReportsDamage(t *testing.T) {
	t.Parallel()
	absent, foreign := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	for _, folder := range []string{absent, foreign} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(foreign, "journal.db"), []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for folder, want := range map[string]error{
		absent: journal.ErrAbsent, filepath.Join(absent, "nowhere"): journal.ErrAbsent, foreign: journal.ErrDamaged,
	} {
		if _, err := journal.Inspect(folder); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", folder, err, want)
		}
	}
	if _, left := files(t, absent)["journal.lock"]; left {
		t.Error("a lock was left where there is no journal")
	}
}

// What a crash has left is left to the next program that receives.
func TestInspectLeavesTheLogOfACrash(t *testing.T) {
	t.Parallel()
	folder, crashed := filepath.Join(t.TempDir(), "journal"), filepath.Join(t.TempDir(), "crashed")
	j, err := journal.Open(folder, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	_, err = j.Append(t.Context(), journal.Delivery{Key: "k", Received: time.Now(), Event: "order.create", Body: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(crashed, 0o700); err != nil {
		t.Fatal(err)
	}
	there := files(t, folder)
	for _, name := range []string{"journal.db", "journal.db-wal"} {
		if err := os.WriteFile(filepath.Join(crashed, name), []byte(there[name]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	switch got, err := journal.Inspect(crashed); {
	case err != nil:
		t.Error(err)
	case got.Receiving:
		t.Error("got.Receiving = true, want false")
	case got.Stats.Events != 1:
		t.Errorf("got.Stats.Events = %v, want 1", got.Stats.Events)
	}
	after := files(t, crashed)
	for _, name := range []string{"journal.db", "journal.db-wal"} {
		if after[name] != there[name] {
			t.Errorf("%s was changed", name)
		}
	}
}

// A page that no count reads is looked at, too.
func TestInspectReadsTheWholeFile(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "journal")
	j, err := journal.Open(folder, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	large := journal.Delivery{Key: "k", Received: time.Now(), Event: "order.create", Body: make([]byte, 100_000)}
	if _, err := j.Append(t.Context(), large); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "journal.db")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copy(raw[len(raw)-40_960:], strings.Repeat("\xff", 4096))
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.Inspect(folder); !errors.Is(err, journal.ErrDamaged) {
		t.Errorf("a damaged page: %v", err)
	}
}
