package journal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

// sample returns the file of a journal and what is in it.
func sample(t testing.TB) (raw []byte, entries map[int64]journal.Entry) {
	t.Helper()
	folder := t.TempDir()
	j, err := journal.Open(folder, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 40 {
		d := delivery(n * 211) // up to 5 kB, some of it on pages of its own
		if _, err := j.Append(context.Background(), d); err != nil {
			t.Fatal(err)
		}
	}
	for id := range int64(20) {
		if err := j.Mark(context.Background(), id+1, journal.Attempt{At: delivery(0).Received, State: journal.States()[id%3]}); err != nil {
			t.Fatal(err)
		}
	}
	entries = map[int64]journal.Entry{}
	for id := range int64(40) {
		e, err := j.Get(context.Background(), id+1)
		if err != nil {
			t.Fatal(err)
		}
		entries[e.ID] = e
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if raw, err = os.ReadFile(filepath.Join(folder, "journal.db")); err != nil {
		t.Fatal(err)
	}
	return raw, entries
}

// readDamaged opens a file that something altered. Either it is refused and left as it is, or everything that can be
// read of it is as it was received.
func readDamaged(t *testing.T, raw []byte, entries map[int64]journal.Entry) (refused bool) {
	t.Helper()
	folder := t.TempDir()
	path := filepath.Join(folder, "journal.db")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(folder, journal.Options{})
	if err != nil {
		switch now, readErr := os.ReadFile(path); {
		case readErr != nil:
			t.Error(readErr)
		case !bytes.Equal(now, raw):
			t.Errorf("refused (%v), and not left as it was: %v", err, readErr)
		}
		return true
	}
	defer func() { _ = j.Close() }()
	for id, want := range entries {
		got, err := j.Get(t.Context(), id)
		if err == nil && !reflect.DeepEqual(got.Delivery, want.Delivery) {
			t.Errorf("delivery %d was altered without a word:\n%s", id, cmp.Diff(want.Delivery, got.Delivery))
		}
		if err == nil && got.State != want.State {
			t.Errorf("the state of delivery %d was altered without a word: %s, was %s", id, got.State, want.State)
		}
	}
	for _, err := range j.List(t.Context(), journal.Filter{}) {
		if err != nil {
			break
		}
	}
	_, _ = j.Stats(t.Context())
	_, _ = j.Append(t.Context(), delivery(9999)) // it may fail, and must not panic
	return false
}

// sequence gives numbers that look random and are the same in every run.
type sequence uint64

func (s *sequence) below(n int) int {
	*s = *s*6364136223846793005 + 1442695040888963407
	return int(*s>>33) % n
}

// A state that changes on the disk would lose a delivery, and no checksum covers what is written anew.
func TestAStateThatChangedOnTheDiskIsSeen(t *testing.T) {
	t.Parallel()
	raw, entries := sample(t)
	// The head of a record: a key of five to eight letters, 0, a time, an event of twelve, two ids, the state.
	records := regexp.MustCompile(`(?s)\x00[\x17-\x1d]\x08[\x05\x06]\x25\x02\x02[\x08\x09]`).FindAllIndex(raw, -1)
	if len(records) < 30 {
		t.Fatalf("only %d records were found", len(records))
	}
	for _, at := range records {
		damaged := bytes.Clone(raw)
		damaged[at[1]-1] ^= 1 // 0 to 1, and 1 to 0
		if !readDamaged(t, damaged, entries) {
			t.Errorf("the changed state at %d was not seen", at[1]-1)
		}
	}
}

func FuzzADamagedFile(f *testing.F) {
	raw, entries := sample(f)
	f.Add(uint32(0), []byte("SQLite"))
	f.Add(uint32(4096), []byte{0xff, 0xff})
	f.Add(uint32(100), []byte{13})
	f.Fuzz(func(t *testing.T, at uint32, change []byte) {
		damaged := bytes.Clone(raw)
		copy(damaged[int(at)%len(damaged):], change)
		readDamaged(t, damaged, entries)
	})
}

func TestForeignFileIsRefusedAndUnchanged(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"text": "this is no journal, it is a text of more than a few letters", "zeros": strings.Repeat("\x00", 5000),
	} {
		if !readDamaged(t, []byte(content), nil) {
			t.Errorf("%s was taken for a journal", name)
		}
	}
}

// sqlite3 runs the shell of SQLite, another implementation of the format.
func sqlite3(t *testing.T, path string, commands ...string) string {
	t.Helper()
	program, err := exec.LookPath("sqlite3")
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal("sqlite3 must be installed in CI")
	}
	if err != nil {
		t.Skip("sqlite3 is not installed")
	}
	out, err := exec.CommandContext(t.Context(), program, append([]string{path}, commands...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// older returns a folder with a file that the first format wrote.
func older(t *testing.T) (folder, path string) {
	t.Helper()
	folder = t.TempDir()
	path = filepath.Join(folder, "journal.db")
	raw, err := os.ReadFile("testdata/format-1.db")
	if err == nil {
		err = os.WriteFile(path, raw, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return folder, path
}

func TestAnOlderFileIsBroughtToThePresentFormat(t *testing.T) {
	t.Parallel()
	for name, use := range map[string]func(*testing.T, string) *journal.Journal{"receiving": open, "reading": attach} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder, path := older(t)
			j := use(t, folder)
			for id, state := range map[int64]journal.State{1: journal.Pending, 2: journal.Forwarded, 3: journal.Dead} {
				e, err := j.Get(t.Context(), id)
				switch {
				case err != nil:
					t.Errorf("delivery %d: %v", id, err)
				case e.State != state:
					t.Errorf("delivery %d: e.State = %v, want %v", id, e.State, state)
				case !cmp.Equal(e.Delivery, delivery(int(id))):
					t.Errorf("delivery %d: %+v, %v", id, e, err)
				}
			}
			if err := j.Note(t.Context(), "name", "text"); err != nil {
				t.Error(err)
			}
			got := sqlite3(t, path, "PRAGMA user_version; SELECT text FROM note WHERE name = 'name'; PRAGMA integrity_check")
			if got != "8\ntext\nok" {
				t.Errorf("sqlite3 sees %q", got)
			}
		})
	}
}

func TestFormat3IsMigratedWithoutLoss(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/format-3.db")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "journal.db"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	j := open(t, folder)
	want := []string{
		"forwarded 1 200 order.create", "pending 2 -1 order.update", "dead 1 410 order.delete", "pending 0 0 customer.update",
		"pending 0 0 customer.update", "pending 0 0 order.update",
	}
	var got []string
	for e, err := range j.List(t.Context(), journal.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := j.Get(t.Context(), e.ID); err != nil {
			t.Error(err)
		}
		got = append(got, fmt.Sprint(e.State, " ", e.Attempts, " ", e.Status, " ", e.Event))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	purgeAll(t, j, 6) // one of them has a version above 64 bits
}

func TestAFailedMigrationLeavesTheFileAsItWas(t *testing.T) {
	t.Parallel()
	folder, path := older(t)
	sqlite3(t, path, "CREATE TABLE note (in_the_way)")
	if _, err := journal.Open(folder, journal.Options{}); err == nil {
		t.Fatal("it was migrated")
	}
	if got := sqlite3(t, path, "PRAGMA user_version; SELECT count(*) FROM delivery"); got != "1\n3" {
		t.Errorf("sqlite3 sees %q", got)
	}
	sqlite3(t, path, "DROP TABLE note")
	open(t, folder)
}

func TestAFileOfANewerVersionOrAnotherProgramIsRefused(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]error{
		"PRAGMA user_version = 99":          journal.ErrVersion,
		"PRAGMA application_id = 1":         journal.ErrDamaged,
		"UPDATE delivery SET state = 0":     nil,
		"DROP INDEX delivery_pending":       errAny(),
		"CREATE TABLE extra (unknown TEXT)": nil,
		"DELETE FROM content":               nil,
		"PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'delivery'": errAny(),
	} {
		folder, path := older(t)
		sqlite3(t, path, command)
		for name, use := range map[string]func() (*journal.Journal, error){
			"open":   func() (*journal.Journal, error) { return journal.Open(folder, journal.Options{}) },
			"attach": func() (*journal.Journal, error) { return journal.Attach(folder) },
		} {
			j, err := use()
			if j != nil {
				_ = j.Close()
			}
			switch {
			case (want == nil) != (err == nil) && name == "open":
				t.Errorf("%s, %s: %v, want %v", command, name, err, want)
			case want != nil && want.Error() != "" && !errors.Is(err, want):
				t.Errorf("%s, %s: %v, want %v", command, name, err, want)
			}
		}
	}
}

// errAny stands for an error of any kind.
func errAny() error { return errors.New("") }

func TestNotesLastOverRuns(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	j := open(t, folder)
	for _, text := range []string{"first", "second"} {
		if err := j.Note(t.Context(), "run", text); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, folder)
	switch text, err := j.Noted(t.Context(), "run"); {
	case err != nil:
		t.Error(err)
	case text != "second":
		t.Errorf("text = %q, want %q", text, "second")
	}
	if err := j.Note(t.Context(), "run", ""); err != nil {
		t.Fatal(err)
	}
	switch text, err := j.Noted(t.Context(), "run"); {
	case err != nil:
		t.Error(err)
	case text != "":
		t.Errorf("text = %q, want %q", text, "")
	}
}
