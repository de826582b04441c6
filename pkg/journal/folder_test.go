package journal_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

func TestFilesArePrivate(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("permissions are those of unix")
	}
	folder := filepath.Join(t.TempDir(), "new")
	appendAll(t, open(t, folder), delivery(1))
	for name, want := range map[string]os.FileMode{
		"": 0o700, "journal.db": 0o600, "journal.db-wal": 0o600, "journal.db-shm": 0o600, "journal.lock": 0o600,
	} {
		info, err := os.Stat(filepath.Join(folder, name))
		switch {
		case err != nil:
			t.Errorf("%q: %v", name, err)
		case info.Mode().Perm() != want:
			t.Errorf("%q: info.Mode().Perm() = %v, want %v", name, info.Mode().Perm(), want)
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

// Writes to a deleted file are lost with the process, so they must not be acknowledged.
func TestRemovedJournalFileIsDetected(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("a file in use cannot be moved")
	}
	for name, happens := range map[string]func(path string) error{
		"removed":  os.Remove,
		"replaced": func(path string) error { return errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o600)) },
		"linked":   func(path string) error { return errors.Join(os.Remove(path), os.Symlink("/dev/null", path)) },
		"log":      func(path string) error { return os.Remove(path + "-wal") },
		"both":     func(path string) error { return errors.Join(os.Remove(path), os.Remove(path+"-wal")) },
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
				stored, err := j.Append(t.Context(), delivery(2+n))
				if !errors.Is(err, journal.ErrUnavailable) && !strings.Contains(fmt.Sprint(err), "removed or replaced") {
					t.Errorf("%+v, %v", stored, err)
				}
			}
			if err := j.Healthy(); !errors.Is(err, journal.ErrUnavailable) {
				t.Errorf("health: %v", err)
			}
			if err := j.Healthy(); strings.Contains(fmt.Sprint(err), "\n") {
				t.Errorf("more than one line: %v", err)
			}
		})
	}
}

func TestRestoredJournalFileIsUsed(t *testing.T) {
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

func TestErrorOfTheFolderNamesTheOperation(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := journal.Open(filepath.Join(file, "journal"), journal.Options{})
	if !strings.HasPrefix(fmt.Sprint(err), "make the folder of the journal: ") {
		t.Errorf("Open: %v", err)
	}
	long := filepath.Join(t.TempDir(), strings.Repeat("x", 300))
	if _, err = journal.Attach(long); !strings.HasPrefix(fmt.Sprint(err), "open the journal: ") {
		t.Errorf("Attach: %v", err)
	}
}
