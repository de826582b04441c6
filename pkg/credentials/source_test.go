package credentials_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

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

func TestFileContainsOneSecret(t *testing.T) {
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
		switch got, err := credentials.FromFile(t.Context(), write(t, test.content)); {
		case err != nil:
			t.Errorf("%q: %v", test.content, err)
		case got.Reveal() != test.want:
			t.Errorf("%q: got.Reveal() = %v, want %v", test.content, got.Reveal(), test.want)
		}
	}
	for _, test := range []struct{ content, want string }{
		{"", "is empty"},
		{"\n", "is empty"},
		{" \n", "is empty"},
		{"canary\n\n", "more than one line"},
		{"can\nary", "more than one line"},
		{"can\x00ary", "control character (U+0000)"},
		{"can\xe5ry", "not valid UTF-8"},
		{"\xff\xfec\x00a\x00n\x00a\x00r\x00y\x00\n\x00", "is UTF-16"},
		{"\xef\xbb\xbf\xef\xbb\xbfcanary", "(U+FEFF)"},
		{"canary\x1b[2J", "(U+001B)"},
		{strings.Repeat("canary", 2000), "larger than 8192 bytes"},
	} {
		_, err := credentials.FromFile(t.Context(), write(t, test.content))
		if !isUsage(err) {
			t.Errorf("%.20q: %v, want %q", test.content, err, test.want)
		}
		if !strings.Contains(err.Error(), test.want) {
			t.Errorf("err.Error() = %q, want it to contain %q", err.Error(), test.want)
		}
		if strings.Contains(err.Error(), "canary") {
			t.Errorf("err.Error() = %q, want it not to contain %q", err.Error(), "canary")
		}
	}
	loop := filepath.Join(t.TempDir(), "loop")
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/dev/zero", "/dev/null", t.TempDir(), filepath.Join(t.TempDir(), "nothing"), loop, ""} {
		if _, err := credentials.FromFile(t.Context(), path); !isUsage(err) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestPathCannotLeaveTheFolder(t *testing.T) {
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
		switch value, err := credentials.FromFileBelow(t.Context(), folder, path); {
		case err != nil:
			t.Errorf("%s: %v", path, err)
		case value != "canary":
			t.Errorf("%s: value = %q, want %q", path, value, "canary")
		}
	}
	for _, path := range []string{"../outside", outside, "link", "up/outside", "secrets", "none", ""} {
		switch value, err := credentials.FromFileBelow(t.Context(), folder, path); {
		case !isUsage(err):
			t.Errorf("%s: %q, %v", path, value.Reveal(), err)
		case value != "":
			t.Errorf("%s: value = %q, want %q", path, value, "")
		case strings.Contains(err.Error(), "statat"):
			t.Errorf("%s: err.Error() = %q, want it not to contain %q", path, err.Error(), "statat")
		}
	}
}

func TestEnvironmentAcceptsOneSource(t *testing.T) {
	t.Parallel()
	path := write(t, "canary\n")
	for name, test := range map[string]struct {
		set          map[string]string
		want, source string
		fails        string
	}{
		"none":        {nil, "", "", ""},
		"empty":       {map[string]string{"X": ""}, "", "", ""},
		"plain":       {map[string]string{"X": "canary"}, "canary", "X", ""},
		"file":        {map[string]string{"X_FILE": path}, "canary", "X_FILE", ""},
		"command":     {map[string]string{"X_COMMAND": "echo canary"}, "canary", "X_COMMAND", ""},
		"quotes":      {map[string]string{"X_COMMAND": `printf '%s %s' "can ary" c\ d`}, "can ary c d", "X_COMMAND", ""},
		"no shell":    {map[string]string{"X_COMMAND": `echo $HOME;id`}, "$HOME;id", "X_COMMAND", ""},
		"two":         {map[string]string{"X": "canary", "X_FILE": path}, "", "", "X and X_FILE are mutually exclusive"},
		"latin-1":     {map[string]string{"X": "can\xe5ry"}, "", "X", "not valid UTF-8"},
		"latin-1 out": {map[string]string{"X_COMMAND": `printf 'can\345ry'`}, "", "X_COMMAND", "not valid UTF-8"},
		"utf-16 out":  {map[string]string{"X_COMMAND": `printf 'c\000a\000n\000a\000'`}, "", "X_COMMAND", "is UTF-16LE"},
		"escape":      {map[string]string{"X": "canary\x1b[2J"}, "", "X", "control character"},
		"blank":       {map[string]string{"X_COMMAND": " "}, "", "X_COMMAND", "is empty"},
		"no program":  {map[string]string{"X_COMMAND": "''"}, "", "X_COMMAND", "is empty"},
		"two lines":   {map[string]string{"X_COMMAND": `printf 'canary\ncanary\n'`}, "", "X_COMMAND", "more than one line"},
		"fork":        {map[string]string{"X_COMMAND": "sh -c 'sleep 60 & echo canary'"}, "canary", "X_COMMAND", ""},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		var stderr bytes.Buffer
		environment := credentials.Environment{Stderr: &stderr, Lookup: func(name string) (string, bool) {
			value, ok := test.set[name]
			return value, ok
		}}
		value, source, err := environment.Get(ctx, "X")
		cancel()
		if test.fails == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if value.Reveal() != test.want {
				t.Errorf("%s: %q, want %q", name, value.Reveal(), test.want)
			}
			if source != test.source {
				t.Errorf("%s: source %q, want %q", name, source, test.source)
			}
			continue
		}
		if !isUsage(err) {
			t.Errorf("%s: %v, want a usage error", name, err)
		}
		if !strings.Contains(fmt.Sprint(err), test.fails) {
			t.Errorf("%s: %v, want %q", name, err, test.fails)
		}
		if strings.Contains(fmt.Sprint(err), "canary") {
			t.Errorf("%s: the error shows the secret: %v", name, err)
		}
	}
}

func TestCommandEndsWithTheRun(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"yes canary", "sleep 600", "sh -c 'sleep 600 & wait'"} {
		for want, end := range map[error]func(context.Context) (context.Context, context.CancelFunc){
			context.DeadlineExceeded: func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, 100*time.Millisecond)
			},
			context.Canceled: func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				time.AfterFunc(100*time.Millisecond, cancel)
				return ctx, cancel
			},
		} {
			ctx, cancel := end(t.Context())
			value, err := credentials.FromCommand(ctx, line, &bytes.Buffer{})
			cancel()
			if !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", line, err, want)
			}
			if isUsage(err) {
				t.Errorf("%s: %v is reported as a wrong call", line, err)
			}
			if value != "" {
				t.Errorf("%s: value = %q, want none", line, value.Reveal())
			}
		}
	}
}

// It is not parallel, because it measures the memory of the process.
func TestLargeOutputOfACommandIsNotKept(t *testing.T) {
	const size = 64 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := credentials.FromCommand(t.Context(), "head -c 67108864 /dev/zero", &bytes.Buffer{})
	runtime.ReadMemStats(&after)
	if !isUsage(err) || !strings.Contains(err.Error(), "is larger than 8192 bytes") {
		t.Errorf("err = %v, want that the output is larger than 8192 bytes", err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > size/4 {
		t.Errorf("used = %d bytes for an output of %d bytes", used, size)
	}
}

func TestFileStoreRejectsOtherContent(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"null", " null\n", "", "[]", "1", `"x"`, `{"a":1}`} {
		path := filepath.Join(t.TempDir(), "credentials.json")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		store := credentials.File{Path: path}
		if err := store.Set("a", credentials.Session, "x"); !errors.Is(err, credentials.ErrFile) {
			t.Errorf("%q: %v", content, err)
		}
		if raw, err := os.ReadFile(path); err != nil {
			t.Errorf("%q: %v", content, err)
		} else if string(raw) != content {
			t.Errorf("%q: changed to %q", content, raw)
		}
	}
}

func TestFileStoreIsPrivate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tlxhook", "credentials.json")
	store := credentials.File{Path: path}
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
	switch got, err := store.Get("b", credentials.Session); {
	case err != nil:
		t.Errorf("kept: %v", err)
	case got != "canary-b":
		t.Errorf("kept: got = %q, want %q", got, "canary-b")
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		t.Error(err)
	case info.Mode().Perm() != 0o600:
		t.Errorf("info.Mode().Perm() = %v, want 0o600", info.Mode().Perm())
	}
	public := os.FileMode(0o644)
	if err := os.Chmod(path, public); err != nil {
		t.Fatal(err)
	}
	switch _, err := store.Get("b", credentials.Session); {
	case !errors.Is(err, credentials.ErrFile):
		t.Errorf("readable by others: err = %v, want %v", err, credentials.ErrFile)
	case !strings.Contains(err.Error(), "chmod 600"):
		t.Errorf("readable by others: err.Error() = %q, want it to contain %q", err.Error(), "chmod 600")
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
