package manifest_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/manifest"
)

// write writes files below a new folder and returns it.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, content := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func TestFolderIsReadInFileOrder(t *testing.T) {
	t.Parallel()
	folder := write(t, map[string]string{
		"b.yaml": entries("order.create"), "a.YML": entries("order.update"), "c.json": entries("order.delete"),
		".hidden.yaml": "-", "notes.txt": "-", "sub/d.yaml": "-",
	})
	m, err := manifest.ReadFiles(t.Context(), []string{folder, "-"}, strings.NewReader(entries("product.create")))
	if err != nil {
		t.Fatal(err)
	}
	want, err := m.Expand(nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range want.Subscriptions {
		got = append(got, filepath.Base(s.At.File)+" "+s.Event)
	}
	wanted := []string{"a.YML order.update", "b.yaml order.create", "c.json order.delete", "standard input product.create"}
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// A file that is too large is refused and not cut off.
func TestSizeOfAManifestIsBounded(t *testing.T) {
	t.Parallel()
	text := entries("order.create") + "\n#"
	const limit, refused = manifest.MaxSize, "larger than 4 MiB"
	for size, want := range map[int]string{limit: "", limit + 1: refused, 2 * limit: refused} {
		stdin := strings.NewReader(text + strings.Repeat("x", size-len(text)))
		_, err := manifest.ReadFiles(t.Context(), []string{"-"}, stdin)
		switch {
		case want == "" && err != nil:
			t.Errorf("%d bytes: %v", size, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%d bytes: %v, want %q", size, err, want)
		}
	}
}

func TestUnreadableFilesHaveACause(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, c := range map[string]struct {
		names []string
		stdin string
		cause error
	}{
		"a missing file":      {[]string{filepath.Join(folder, "missing.yaml")}, "", manifest.ErrUnreadable},
		"an empty folder":     {[]string{folder}, "", manifest.ErrEmptyFolder},
		"stdin twice":         {[]string{"-", "-"}, oneEntry, manifest.ErrStdinTwice},
		"an invalid manifest": {[]string{"-"}, "version: 2\n", manifest.ErrInvalid},
	} {
		if _, err := manifest.ReadFiles(t.Context(), c.names, strings.NewReader(c.stdin)); !errors.Is(err, c.cause) {
			t.Errorf("%s: %v, want %v", name, err, c.cause)
		}
	}
}
