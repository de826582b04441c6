package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestNothingGeneratedIsStale(t *testing.T) {
	t.Parallel()
	fresh, top := t.TempDir(), filepath.Join("..", "..")
	if err := generate(fresh); err != nil {
		t.Fatal(err)
	}
	want, got := contents(t, fresh), contents(t, top)
	for path, text := range want {
		if got[path] != text {
			t.Errorf("%s is stale: run go generate ./...", path)
		}
	}
	for path := range got {
		if _, ok := want[path]; !ok {
			t.Errorf("%s is not generated any more: run go generate ./...", path)
		}
	}
}

// contents returns the generated files below a folder.
func contents(t *testing.T, top string) map[string]string {
	t.Helper()
	all, files := map[string]string{}, os.DirFS(top)
	for _, folder := range folders() {
		err := fs.WalkDir(files, folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			raw, err := fs.ReadFile(files, path)
			all[path] = string(raw)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}
