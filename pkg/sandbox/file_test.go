package sandbox_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
)

// All concurrent updates are kept, and each is on disk before its Update returns.
func TestConcurrentUpdatesAreAllStored(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	store := sandbox.NewFile(folder)
	var all sync.WaitGroup
	for n := range 40 {
		all.Go(func() {
			fault := sandbox.Fault{Kind: "html", After: n + 1}
			err := store.Update(t.Context(), func(s *sandbox.State) error { s.ChangeFaults(false, fault); return nil })
			if err != nil {
				t.Error(err)
			}
			kept := false
			err = sandbox.NewFile(folder).Update(t.Context(), func(s *sandbox.State) error { // as another program
				for _, f := range s.Faults {
					kept = kept || f == fault
				}
				return nil
			})
			switch {
			case err != nil:
				t.Error(err)
			case !kept:
				t.Errorf("update %d is not on disk: %v", n, err)
			}
		})
	}
	all.Wait()
}

// A failed or panicking update changes nothing and does not block waiting updates.
func TestInterruptedUpdateChangesNothing(t *testing.T) {
	t.Parallel()
	store := sandbox.NewFile(t.TempDir())
	odd := errors.New("odd")
	err := store.Update(t.Context(), func(s *sandbox.State) error { s.ChangeFaults(true, sandbox.Fault{}); return nil })
	if err != nil {
		t.Fatal(err)
	}
	err = store.Update(t.Context(), func(s *sandbox.State) error {
		s.ChangeFaults(false, sandbox.Fault{Kind: "html"})
		return odd
	})
	if !errors.Is(err, odd) {
		t.Errorf("%v", err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = store.Update(t.Context(), func(s *sandbox.State) error {
			s.ChangeFaults(false, sandbox.Fault{Kind: "html"})
			panic("odd")
		})
	}()
	err = store.Update(t.Context(), func(s *sandbox.State) error {
		if len(s.Faults) > 0 {
			t.Errorf("left behind: %v", s.Faults)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// Links in the state folder are replaced or refused, never followed.
func TestFilesDoNotFollowLinks(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("links need privileges on Windows")
	}
	for _, name := range []string{"served.json", "served.lock", "state.lock", "state.json.new"} {
		folder := t.TempDir()
		victim := filepath.Join(t.TempDir(), "victim")
		if err := os.WriteFile(victim, []byte("kept"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(victim, filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		err := sandbox.Serve(ctx, folder, sandbox.ServeOptions{Address: "127.0.0.1:0", Speed: 2, Ready: func(string) { cancel() }})
		cancel()
		if isLock := strings.HasSuffix(name, ".lock"); isLock != errors.Is(err, sandbox.ErrState) {
			t.Errorf("%s: %v", name, err)
		}
		if raw, err := os.ReadFile(victim); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if string(raw) != "kept" {
			t.Errorf("%s: the file behind the link is %q, want kept", name, raw)
		}
	}
}

// A command that looks whether the sandbox is served holds the lock for a moment.
func TestALookAtTheLockStopsNoServer(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	looking := config.NewFlock(filepath.Join(folder, "served.lock"))
	if free, err := looking.TryRLock(); err != nil || !free {
		t.Fatalf("TryRLock() = %t, %v", free, err)
	}
	time.AfterFunc(50*time.Millisecond, func() { _ = looking.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	options := sandbox.ServeOptions{Address: "127.0.0.1:0", Speed: 2, Ready: func(string) { cancel() }}
	if err := sandbox.Serve(ctx, folder, options); err != nil {
		t.Error(err)
	}
}
