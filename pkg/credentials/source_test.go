package credentials_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/secret"
)

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func isUsage(err error) bool {
	var usage *credentials.UsageError
	return errors.As(err, &usage)
}

func TestFileIsReadAsOneSecret(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 8192)
	for _, test := range []struct{ content, want string }{
		{"canary", "canary"},
		{"canary\n", "canary"},
		{"canary\r\n", "canary"},
		{"\xef\xbb\xbfcanary\n", "canary"},
		{" can ary ", " can ary "},
		{long, long},
	} {
		if got, err := credentials.FromFile(write(t, test.content)); err != nil || got.Reveal() != test.want {
			t.Errorf("%q: %q, %v", test.content, got.Reveal(), err)
		}
	}
	for _, test := range []struct{ content, want string }{
		{"", "is empty"},
		{"\n", "is empty"},
		{" \n", "is empty"},
		{"canary\n\n", "more than one line"},
		{"can\nary", "more than one line"},
		{"can\x00ary", "more than one line"},
		{strings.Repeat("canary", 2000), "larger than 8192 bytes"},
	} {
		_, err := credentials.FromFile(write(t, test.content))
		if !isUsage(err) || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%.20q: %v, want %q", test.content, err, test.want)
		}
	}
	loop := filepath.Join(t.TempDir(), "loop")
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/dev/zero", "/dev/null", t.TempDir(), filepath.Join(t.TempDir(), "nothing"), loop, ""} {
		if _, err := credentials.FromFile(path); !isUsage(err) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestNothingLeadsOutOfAFolder(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	folder, outside := filepath.Join(top, "repository"), filepath.Join(top, "outside")
	if err := os.MkdirAll(filepath.Join(folder, "secrets"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{outside, filepath.Join(folder, "secrets", "hmac")} {
		if err := os.WriteFile(path, []byte("canary\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"link": outside, "up": "..", "inside": "secrets/hmac"} {
		if err := os.Symlink(to, filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"secrets/hmac", "./secrets/../secrets/hmac", "inside"} {
		if value, err := credentials.FromFileBelow(folder, path); err != nil || value != "canary" {
			t.Errorf("%s: %q, %v", path, value.Reveal(), err)
		}
	}
	for _, path := range []string{"../outside", outside, "link", "up/outside", "secrets", "none", ""} {
		if value, err := credentials.FromFileBelow(folder, path); !isUsage(err) || value != "" || strings.Contains(err.Error(), "statat") {
			t.Errorf("%s: %q, %v", path, value.Reveal(), err)
		}
	}
}

func TestEnvironmentGivesASecretInOneWay(t *testing.T) {
	t.Parallel()
	path := write(t, "canary\n")
	for name, test := range map[string]struct {
		set          map[string]string
		want, source string
		fails        string
	}{
		"none":      {nil, "", "", ""},
		"empty":     {map[string]string{"X": ""}, "", "", ""},
		"plain":     {map[string]string{"X": "canary"}, "canary", "X", ""},
		"file":      {map[string]string{"X_FILE": path}, "canary", "X_FILE", ""},
		"command":   {map[string]string{"X_COMMAND": "echo canary"}, "canary", "X_COMMAND", ""},
		"quotes":    {map[string]string{"X_COMMAND": `printf '%s %s' "can ary" c\ d`}, "can ary c d", "X_COMMAND", ""},
		"no shell":  {map[string]string{"X_COMMAND": `echo $HOME;id`}, "$HOME;id", "X_COMMAND", ""},
		"two":       {map[string]string{"X": "canary", "X_FILE": path}, "", "", "X and X_FILE are both set"},
		"blank":     {map[string]string{"X_COMMAND": " "}, "", "X_COMMAND", "is empty"},
		"two lines": {map[string]string{"X_COMMAND": `printf 'canary\ncanary\n'`}, "", "X_COMMAND", "more than one line"},
		"flood":     {map[string]string{"X_COMMAND": "yes canary"}, "", "X_COMMAND", "gave no answer in time"},
		"fork":      {map[string]string{"X_COMMAND": "sh -c 'sleep 60 & echo canary'"}, "canary", "X_COMMAND", ""},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		var stderr bytes.Buffer
		environment := credentials.Environment{Stderr: &stderr, Lookup: func(name string) (string, bool) {
			value, ok := test.set[name]
			return value, ok
		}}
		value, source, err := environment.Get(ctx, "X")
		cancel()
		if test.fails == "" && (err != nil || value.Reveal() != test.want || source != test.source) {
			t.Errorf("%s: %q from %q, %v", name, value.Reveal(), source, err)
		}
		if test.fails != "" && (!isUsage(err) || !strings.Contains(err.Error(), test.fails) || strings.Contains(err.Error(), "canary")) {
			t.Errorf("%s: %v, want %q", name, err, test.fails)
		}
	}
}

func TestFileStoreIsPrivate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tlxhook", "credentials.json")
	store := credentials.File{Path: path, Write: config.WriteFile}
	if _, err := store.Get("p", credentials.Session); !errors.Is(err, credentials.ErrNotFound) {
		t.Errorf("before: %v", err)
	}
	for _, profile := range []string{"a", "b"} {
		if err := store.Set(profile, credentials.Session, secret.Text("canary-"+profile)); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Delete("a", credentials.Session); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Get("a", credentials.Session); !errors.Is(err, credentials.ErrNotFound) {
		t.Errorf("deleted: %v", err)
	}
	if got, err := store.Get("b", credentials.Session); err != nil || got != "canary-b" {
		t.Errorf("kept: %q, %v", got.Reveal(), err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v; want mode 0600", info, err)
	}
	public := os.FileMode(0o644)
	if err := os.Chmod(path, public); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Get("b", credentials.Session); !errors.Is(err, credentials.ErrFile) || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("readable by others: %v", err)
	}
	if err := os.WriteFile(path, []byte(`{"b":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := store.Set("b", credentials.Session, "x"); !errors.Is(err, credentials.ErrFile) {
		t.Errorf("damaged: %v", err)
	}
}

func FuzzCommandLineNeverPanics(f *testing.F) {
	f.Add(`a 'b c' "d\"e" f\ g`)
	f.Fuzz(func(t *testing.T, line string) {
		environment := credentials.Environment{Lookup: func(name string) (string, bool) {
			return map[string]string{"X_COMMAND": "/nonexistent/" + line}[name], true
		}}
		if value, _, err := environment.Get(t.Context(), "X"); err == nil {
			t.Errorf("%q gave %q", line, value.Reveal())
		}
	})
}
