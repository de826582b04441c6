package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestNothingGeneratedIsStale(t *testing.T) {
	t.Parallel()
	fresh, top := t.TempDir(), filepath.Join("..", "..")
	for page := range pages() {
		raw, err := os.ReadFile(filepath.Join(top, page))
		err = errors.Join(err, os.MkdirAll(filepath.Join(fresh, filepath.Dir(page)), 0o750),
			os.WriteFile(filepath.Join(fresh, page), raw, 0o600))
		if err != nil {
			t.Fatal(err)
		}
	}
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
	for page := range pages() {
		raw, err := fs.ReadFile(files, page)
		if err != nil {
			t.Fatal(err)
		}
		all[page] = string(raw)
	}
	return all
}

// A page without the comments of a table is an error: its table would become stale.
func TestTableNeedsItsComments(t *testing.T) {
	t.Parallel()
	const page = "a\n<!-- begin x -->\nold\n<!-- end x -->\nb\n"
	got, err := fill(page, "x", "new\n")
	if err != nil {
		t.Fatal(err)
	}
	if want := "a\n<!-- begin x -->\n\nnew\n\n<!-- end x -->\nb\n"; got != want {
		t.Errorf("got = %q, want %q", got, want)
	}
	for _, bad := range []string{"", "<!-- begin x -->\n", "<!-- end x -->\n", "<!-- end x -->\n<!-- begin x -->\n"} {
		if _, err := fill(bad, "x", "new\n"); err == nil {
			t.Errorf("%q has the comments", bad)
		}
	}
}
