// Package cache stores lists in files that can be deleted at any time. The lists contain no secrets.
package cache

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// list is the content of a file.
type list[T any] struct {
	At    time.Time `json:"at"`
	Items []T       `json:"items"`
}

// load returns the list in a file, or an empty list if the file is missing or invalid.
func load[T any](path string) list[T] {
	var known list[T]
	raw, err := config.ReadFile(path)
	if err != nil || json.Unmarshal(raw, &known) != nil {
		return list[T]{}
	}
	return known
}

// Store writes items to a file, masked by redact, or nothing for an empty path. Errors are ignored: the items are then
// fetched again.
func Store[T any](path string, redact func(string) string, items []T) {
	raw, err := json.Marshal(list[T]{time.Now(), items})
	raw = []byte(redact(string(raw)))
	if err == nil && path != "" && config.CheckRegular(path) == nil && os.MkdirAll(filepath.Dir(path), 0o700) == nil {
		_ = os.WriteFile(path, raw, 0o600)
	}
}

// Get returns the items of a file that is younger than maxAge. Otherwise it fetches and stores them; if that fails or
// takes longer than ctx, it returns the old items.
func Get[T any](
	ctx context.Context, path string, redact func(string) string, maxAge time.Duration, fetch func(context.Context) ([]T, error),
) []T {
	known := load[T](path)
	if time.Since(known.At) < maxAge {
		return known.Items
	}
	items, err := wait.Read(ctx, func() ([]T, error) {
		items, err := fetch(ctx)
		if err == nil {
			Store(path, redact, items)
		}
		return items, err
	})
	if err != nil {
		return known.Items
	}
	return items
}
