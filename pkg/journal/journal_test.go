package journal_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

func open(t *testing.T, folder string) *journal.Journal {
	t.Helper()
	j, err := journal.Open(folder, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func attach(t *testing.T, folder string) *journal.Journal {
	t.Helper()
	j, err := journal.Attach(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

// delivery returns one that differs from every other n.
func delivery(n int) journal.Delivery {
	return journal.Delivery{
		Key: fmt.Sprintf("key-%d", n), Received: time.Date(2026, 11, 23, 12, 0, n, 123000, time.UTC), Event: "order.update",
		SubscriptionID: 4711, ObjectID: int64(1000 + n), ContentType: "application/json", Signature: "c2lnbmF0dXJl",
		Body: fmt.Appendf(nil, `{"subscriptionId":4711,"event":"order.update","id":%d,"value":{"text":"%s"}}`, 1000+n, strings.Repeat("x", n%5000)),
	}
}

func appendAll(t *testing.T, j *journal.Journal, deliveries ...journal.Delivery) []int64 {
	t.Helper()
	ids := make([]int64, len(deliveries))
	for i, d := range deliveries {
		stored, err := j.Append(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = stored.ID
	}
	return ids
}

func list(t *testing.T, j *journal.Journal, f journal.Filter) []int64 {
	t.Helper()
	ids := []int64{}
	for e, err := range j.List(t.Context(), f) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, e.ID)
	}
	return ids
}

func TestWhatWasStoredIsThereAfterOpeningAgain(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	j := open(t, folder)
	sent := delivery(7)
	id := appendAll(t, j, sent)[0]
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, folder)
	got, err := j.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(journal.Entry{ID: id, Delivery: sent, State: journal.Pending}, got); diff != "" {
		t.Error(diff)
	}
	if _, err := j.Get(t.Context(), 99); !errors.Is(err, journal.ErrNotFound) {
		t.Errorf("one that is not there: %v", err)
	}
	if _, err := j.Append(t.Context(), delivery(8)); err != nil {
		t.Error(err)
	}
}

func TestARepeatIsStoredOnce(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	first := appendAll(t, j, delivery(1))[0]
	again := delivery(1)
	again.Received, again.Signature = time.Now(), "another"
	stored, err := j.Append(t.Context(), again)
	if err != nil || stored != (journal.Stored{ID: first, Duplicate: true}) {
		t.Errorf("%+v, %v", stored, err)
	}
	if ids := list(t, j, journal.Filter{}); len(ids) != 1 {
		t.Errorf("stored: %v", ids)
	}
}

// It was validly signed: dropping it would lose what it says.
func TestAnotherBodyUnderAKeyIsStoredAndFlagged(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	appendAll(t, j, delivery(1))
	for n, body := range []string{"second", "third"} {
		other := delivery(1)
		other.Body = []byte(body)
		stored, err := j.Append(t.Context(), other)
		if err != nil || !stored.Altered || stored.Duplicate {
			t.Fatalf("%s: %+v, %v", body, stored, err)
		}
		e, err := j.Get(t.Context(), stored.ID)
		if err != nil || !e.Altered || string(e.Body) != body || e.State != journal.Pending {
			t.Errorf("%s: %+v, %v", body, e, err)
		}
		if stored, err = j.Append(t.Context(), other); err != nil || !stored.Duplicate || stored.ID != e.ID {
			t.Errorf("%s again: %+v, %v", body, stored, err)
		}
		if ids := list(t, j, journal.Filter{}); len(ids) != n+2 {
			t.Errorf("stored: %v", ids)
		}
	}
}

func TestManyAtOnceShareASyncAndLoseNothing(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	const senders, each = 32, 40
	var group sync.WaitGroup
	for s := range senders {
		group.Go(func() {
			for n := range each {
				// Every delivery comes twice, from two senders.
				if _, err := j.Append(context.Background(), delivery(s/2*each+n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if ids := list(t, j, journal.Filter{}); len(ids) != senders/2*each || !slices.IsSorted(ids) {
		t.Errorf("%d are stored", len(ids))
	}
	stats, err := j.Stats(t.Context())
	if err != nil || stats.Events != senders/2*each || stats.Waiting != stats.Events || stats.Dead != 0 || !stats.Healthy || stats.Bytes == 0 || stats.Free == 0 {
		t.Errorf("%+v, %v", stats, err)
	}
	if stats.Syncs == 0 || stats.Syncs > senders*each/2 || stats.Failures != 0 {
		t.Errorf("%d syncs for %d writes", stats.Syncs, senders*each)
	}
	if sum := uint64(stats.GroupSizes.Sum); sum != senders*each {
		t.Errorf("the groups had %d changes", sum)
	}
}

func TestOnlyOneReceives(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	first := open(t, folder)
	if _, err := journal.Open(folder, journal.Options{}); !errors.Is(err, journal.ErrLocked) {
		t.Errorf("a second one: %v", err)
	}
	id := appendAll(t, first, delivery(1))[0]
	beside := attach(t, folder)
	at := time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC)
	if err := beside.Mark(t.Context(), id, journal.Attempt{At: at, State: journal.Dead, Status: 410, Outcome: "gone"}); err != nil {
		t.Fatal(err)
	}
	if err := beside.Mark(t.Context(), id, journal.Attempt{At: at.Add(time.Hour), State: journal.Forwarded, Status: 200}); err != nil {
		t.Fatal(err)
	}
	if err := beside.Mark(t.Context(), id, journal.Attempt{At: at.Add(2 * time.Hour), Status: 500, Outcome: "replayed"}); err != nil {
		t.Fatal(err)
	}
	got, err := first.Get(t.Context(), id)
	want := journal.Entry{
		ID: id, Delivery: delivery(1), State: journal.Forwarded, Attempts: 3, FirstAttempt: at, LastAttempt: at.Add(2 * time.Hour),
		Status: 500, Outcome: "replayed",
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, folder)
}

func TestAttachNeedsAJournal(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{t.TempDir(), filepath.Join(t.TempDir(), "none")} {
		if _, err := journal.Attach(folder); !errors.Is(err, journal.ErrAbsent) {
			t.Errorf("%v", err)
		}
	}
}

func TestAClosedJournalSaysSo(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	_, err1 := j.Append(t.Context(), delivery(1))
	_, err2 := j.Get(t.Context(), 1)
	for _, err := range []error{err1, err2, j.Close()} {
		if !errors.Is(err, journal.ErrClosed) {
			t.Errorf("%v", err)
		}
	}
}

func TestFilesArePrivate(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("permissions are those of unix")
	}
	folder := filepath.Join(t.TempDir(), "new")
	appendAll(t, open(t, folder), delivery(1))
	for name, want := range map[string]os.FileMode{"": 0o700, "journal.db": 0o600, "journal.db-wal": 0o600, "journal.db-shm": 0o600, "journal.lock": 0o600} {
		info, err := os.Stat(filepath.Join(folder, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%q: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestAFolderThatOthersCanChangeIsRefused(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("permissions are those of unix")
	}
	shared, linked, file := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "file")
	everybody := os.FileMode(0o777)
	for _, err := range []error{
		os.Chmod(shared, everybody), os.Symlink("/etc/hostname", filepath.Join(linked, "journal.db")), os.WriteFile(file, nil, 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, folder := range []string{shared, linked} {
		if _, err := journal.Open(folder, journal.Options{}); !errors.Is(err, journal.ErrUnsafe) {
			t.Errorf("%s: %v", folder, err)
		}
	}
	if _, err := journal.Open(file, journal.Options{}); err == nil {
		t.Error("a file was taken for a folder")
	}
	if os.Geteuid() == 0 {
		foreign := t.TempDir()
		if err := os.Chown(foreign, 1, 1); err != nil {
			t.Fatal(err)
		}
		if _, err := journal.Open(foreign, journal.Options{}); !errors.Is(err, journal.ErrUnsafe) {
			t.Errorf("a folder of another user: %v", err)
		}
	}
}

func TestAnAlmostFullDiskIsLeftAlone(t *testing.T) {
	t.Parallel()
	j, err := journal.Open(t.TempDir(), journal.Options{MinFree: 1 << 60})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	if _, err := j.Append(t.Context(), delivery(1)); !errors.Is(err, journal.ErrSpace) || !errors.Is(j.Healthy(), journal.ErrSpace) {
		t.Errorf("%v, %v", err, j.Healthy())
	}
	// What empties it still works.
	if _, err := j.Purge(t.Context(), journal.Filter{}, nil); err != nil {
		t.Error(err)
	}
}

// What is written to a file that lies nowhere is lost with the process: it must not be told to be stored.
func TestAFileThatWasTakenAwayIsNoticed(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("a file in use cannot be moved")
	}
	for name, happens := range map[string]func(path string) error{
		"removed":  os.Remove,
		"replaced": func(path string) error { return errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o600)) },
		"linked":   func(path string) error { return errors.Join(os.Remove(path), os.Symlink("/dev/null", path)) },
		"log":      func(path string) error { return os.Remove(path + "-wal") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			j := open(t, folder)
			appendAll(t, j, delivery(1))
			if err := happens(filepath.Join(folder, "journal.db")); err != nil {
				t.Fatal(err)
			}
			for n := range 2 {
				if stored, err := j.Append(t.Context(), delivery(2+n)); !errors.Is(err, journal.ErrUnavailable) && !strings.Contains(fmt.Sprint(err), "removed or replaced") {
					t.Errorf("%+v, %v", stored, err)
				}
			}
			if err := j.Healthy(); !errors.Is(err, journal.ErrUnavailable) {
				t.Errorf("health: %v", err)
			}
		})
	}
}

func TestAFileThatIsPutBackIsUsedAgain(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("a file in use cannot be moved")
	}
	folder := t.TempDir()
	path, away := filepath.Join(folder, "journal.db"), filepath.Join(folder, "away")
	j := open(t, folder)
	appendAll(t, j, delivery(1))
	if err := os.Rename(path, away); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Append(t.Context(), delivery(2)); err == nil {
		t.Error("it was stored nowhere")
	}
	if err := os.Rename(away, path); err != nil {
		t.Fatal(err)
	}
	deadline := time.After(20 * time.Second)
	for j.Healthy() != nil {
		select {
		case <-deadline:
			t.Fatal(j.Healthy())
		case <-time.After(10 * time.Millisecond):
		}
	}
	appendAll(t, j, delivery(3))
}
