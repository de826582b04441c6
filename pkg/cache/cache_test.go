package cache_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlxhook/tlxhook/pkg/cache"
)

func TestGetFetchesExpiredItems(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "folder", "list.json")
	fetch := func(items []string, err error) func(context.Context) ([]string, error) {
		return func(context.Context) ([]string, error) { return items, err }
	}
	for _, test := range []struct {
		name   string
		maxAge time.Duration
		items  []string
		err    error
		want   []string
	}{
		{"nothing stored", time.Hour, []string{"a"}, nil, []string{"a"}},
		{"fresh", time.Hour, []string{"b"}, nil, []string{"a"}},
		{"old", 0, []string{"b"}, nil, []string{"b"}},
		{"old and unavailable", 0, nil, errors.New("unavailable"), []string{"b"}},
	} {
		if got := cache.Get(t.Context(), path, strings.Clone, test.maxAge, fetch(test.items, test.err)); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestGetEndsWithItsContext(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "list.json")
	cache.Store(path, strings.Clone, []string{"old"})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		slow := func(context.Context) ([]string, error) {
			time.Sleep(time.Minute)
			return []string{"new"}, nil
		}
		if got := cache.Get(ctx, path, strings.Clone, 0, slow); !slices.Equal(got, []string{"old"}) {
			t.Errorf("got %v", got)
		}
	})
}

func TestGetIgnoresAnInvalidFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "list.json")
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	fetch := func(context.Context) ([]string, error) { return []string{"new"}, nil }
	if got := cache.Get(t.Context(), path, strings.Clone, time.Hour, fetch); !slices.Equal(got, []string{"new"}) {
		t.Errorf("got %v", got)
	}
	unused := func(context.Context) ([]string, error) { return nil, errors.New("fetched again") }
	if got := cache.Get(t.Context(), path, strings.Clone, time.Hour, unused); !slices.Equal(got, []string{"new"}) {
		t.Errorf("stored %v", got)
	}
}

func TestStoreIgnoresErrors(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"", filepath.Join(file, "list.json")} {
		cache.Store(path, strings.Clone, []string{"a"})
		fetch := func(context.Context) ([]string, error) { return []string{"b"}, nil }
		if got := cache.Get(t.Context(), path, strings.Clone, time.Hour, fetch); !slices.Equal(got, []string{"b"}) {
			t.Errorf("%q: %v", path, got)
		}
	}
}

func TestANamedPipeIsNotRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "list.json")
	if err := exec.CommandContext(t.Context(), "mkfifo", path).Run(); err != nil {
		t.Skip("mkfifo is not installed")
	}
	fetched := []string{"new"}
	got := cache.Get(t.Context(), path, strings.Clone, time.Hour, func(context.Context) ([]string, error) { return fetched, nil })
	if !slices.Equal(got, fetched) {
		t.Errorf("got %v, want %v", got, fetched)
	}
}
