package config_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/config"
)

func TestFilesAreReplacedAtomically(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "a", "b")
	path := filepath.Join(folder, "file")
	for _, content := range []string{"one", "two"} {
		if err := config.WriteFile(path, []byte(content)); err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(path)
		info, statErr := os.Stat(path)
		switch {
		case err != nil:
			t.Error(err)
		case string(raw) != content:
			t.Errorf("raw = %v, want %v", string(raw), content)
		case statErr != nil:
			t.Error(statErr)
		case info.Mode().Perm() != 0o600:
			t.Errorf("info.Mode().Perm() = %v, want 0o600", info.Mode().Perm())
		}
	}
	readOnly := os.FileMode(0o500)
	if err := os.Chmod(folder, readOnly); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() != 0 && config.WriteFile(path, []byte("three")) == nil {
		t.Error("a folder that is not writable was written to")
	}
	entries, err := os.ReadDir(folder)
	switch {
	case err != nil:
		t.Errorf("left behind: %v", err)
	case len(entries) != 1:
		t.Errorf("left behind: len(entries) = %v, want 1", len(entries))
	}
}

func TestLinksToMissingFilesAreKept(t *testing.T) {
	t.Parallel()
	for name, to := range map[string]string{
		"relative": "../dotfiles/file", "same folder": "file", "missing folder": "../dotfiles/a/b/file", "chain": "second",
	} {
		folder := filepath.Join(t.TempDir(), "config")
		linked := filepath.Join(filepath.Dir(folder), "linked")
		link := filepath.Join(linked, "profiles.yaml")
		err := errors.Join(os.MkdirAll(filepath.Join(folder, "..", "dotfiles"), 0o700), os.MkdirAll(folder, 0o700),
			os.Symlink(folder, linked), os.Symlink(to, link), os.Symlink("../dotfiles/third", filepath.Join(folder, "second")))
		if err != nil {
			t.Skipf("symbolic links cannot be made: %v", err)
		}
		for _, content := range []string{"one", "two"} {
			if err := config.WriteFile(link, []byte(content)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if got, err := os.Readlink(link); err != nil {
				t.Errorf("%s: %v", name, err)
			} else if got != to {
				t.Errorf("%s: the link leads to %q, want %q", name, got, to)
			}
			if raw, err := os.ReadFile(link); err != nil {
				t.Errorf("%s: %v", name, err)
			} else if string(raw) != content {
				t.Errorf("%s: raw = %q, want %q", name, raw, content)
			}
		}
	}
}

// A process that was stopped while it held a lock does not keep the others for ever.
func TestLocksAreNotAwaitedForEver(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	release, err := config.LockProfiles(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	late, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	interrupted, interrupt := context.WithCancel(t.Context())
	interrupt()
	for name, test := range map[string]struct {
		ctx  context.Context
		want error
	}{"deadline": {late, config.ErrLocked}, "signal": {interrupted, context.Canceled}} {
		if _, err := config.LockProfiles(test.ctx, folder); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

func TestChangeFileIsExclusive(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "file")
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if err := config.ChangeFile(path, func(content []byte) ([]byte, error) { return append(content, 'x'), nil }); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	refused := errors.New("refused")
	for change, want := range map[string]error{"nothing": nil, "error": refused} {
		err := config.ChangeFile(path, func([]byte) ([]byte, error) {
			if change == "error" {
				return []byte("half"), refused
			}
			return nil, nil
		})
		if !errors.Is(err, want) {
			t.Errorf("%s: %v", change, err)
		}
	}
	switch got, err := os.ReadFile(path); {
	case err != nil:
		t.Error(err)
	case string(got) != strings.Repeat("x", 50):
		t.Errorf("got = %v, want %v", string(got), strings.Repeat("x", 50))
	}
}

func TestLocksDoNotFollowLinks(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows opens no link without privileges")
	}
	folder := t.TempDir()
	victim := filepath.Join(folder, "victim")
	for _, name := range []string{"lock", "profiles.yaml.lock", "file.lock", "wait"} {
		if err := os.Symlink(victim, filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	for name, lock := range map[string]func() (func(), error){
		"Lock":         func() (func(), error) { return config.Lock(filepath.Join(folder, "lock")) },
		"LockProfiles": func() (func(), error) { return config.LockProfiles(t.Context(), folder) },
		"WaitLock":     func() (func(), error) { return config.WaitLock(t.Context(), filepath.Join(folder, "wait"), func() {}) },
		"ChangeFile": func() (func(), error) {
			return func() {}, config.ChangeFile(filepath.Join(folder, "file"), func([]byte) ([]byte, error) { return []byte("x"), nil })
		},
	} {
		if release, err := lock(); err == nil {
			release()
			t.Errorf("%s: no error", name)
		}
		if _, err := os.Lstat(victim); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s made the file behind the link", name)
		}
	}
}
