package credentials_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/secret"
)

// newReader returns a reader, and the secrets that it passes to Found.
func newReader(stdin string, variables map[string]string) (credentials.Reader, *[]string) {
	var found []string
	return credentials.Reader{
		Environment: credentials.Environment{Lookup: func(name string) (string, bool) {
			value, ok := variables[name]
			return value, ok
		}},
		Stdin: strings.NewReader(stdin),
		Ask:   func(context.Context, string) (secret.Text, error) { return "from-prompt", nil },
		Found: func(values ...secret.Text) { found = append(found, secret.RevealAll(values)...) },
	}, &found
}

func TestReaderReportsEverySecret(t *testing.T) {
	t.Parallel()
	path := write(t, "from-file\n")
	r, found := newReader("from-stdin\n", map[string]string{"TOKEN": "from-variable"})
	for name, read := range map[string]func() (secret.Text, error){
		"from-file":     func() (secret.Text, error) { return r.File(t.Context(), path) },
		"from-stdin":    func() (secret.Text, error) { return r.File(t.Context(), "-") },
		"from-variable": func() (secret.Text, error) { return r.Variable(t.Context(), "TOKEN") },
		"from-prompt":   func() (secret.Text, error) { return r.Prompt(t.Context(), "Token") },
	} {
		*found = nil
		value, err := read()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if value.Reveal() != name {
			t.Errorf("%s: value %q", name, value.Reveal())
		}
		if diff := cmp.Diff([]string{name}, *found); diff != "" {
			t.Errorf("%s: found (-want +got):\n%s", name, diff)
		}
	}
}

func TestReaderReturnsNoSecretForAnUnsetVariable(t *testing.T) {
	t.Parallel()
	r, _ := newReader("", nil)
	value, err := r.Variable(t.Context(), "TOKEN")
	if err != nil {
		t.Error(err)
	}
	if value != "" {
		t.Errorf("value %q, want none", value.Reveal())
	}
}

func TestReaderReportsInvalidSources(t *testing.T) {
	t.Parallel()
	r, _ := newReader("two\nlines\n", map[string]string{"TOKEN": "a", "TOKEN_FILE": "b"})
	if _, err := r.File(t.Context(), "-"); !isUsage(err) {
		t.Errorf("two lines: %v, want a usage error", err)
	}
	if _, err := r.File(t.Context(), filepath.Join(t.TempDir(), "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v, want %v", err, fs.ErrNotExist)
	}
	if _, err := r.Variable(t.Context(), "TOKEN"); !isUsage(err) {
		t.Errorf("two variables: %v, want a usage error", err)
	}
}

func TestFindKeysReportsLongLines(t *testing.T) {
	t.Parallel()
	key := strings.Repeat("k", 40)
	path := write(t, "-----BEGIN USER NKEY SEED-----------------------------\n"+key+"\nshort\n")
	r, found := newReader("", nil)
	if err := r.FindKeys(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	if err := r.FindKeys(t.Context(), ""); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{key}, *found); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
}

func TestWriteNewKeepsAnExistingFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	if err := credentials.WriteNew(path, "first"); err != nil {
		t.Fatal(err)
	}
	if err := credentials.WriteNew(path, "second"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("%v, want %v", err, fs.ErrExist)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(raw); got != "first\n" {
		t.Errorf("content %q", got)
	}
}
