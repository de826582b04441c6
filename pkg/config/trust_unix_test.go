//go:build !windows

package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/pflag"

	"github.com/tlxhook/tlxhook/pkg/config"
)

// loadFrom loads the settings of a configuration folder.
func loadFrom(t *testing.T, folder string) (*config.Settings, error) {
	t.Helper()
	return config.Load(t.Context(), pflag.NewFlagSet("test", pflag.ContinueOnError), func(name string) (string, bool) {
		return map[string]string{"XDG_CONFIG_HOME": folder, "HOME": folder}[name], true
	})
}

// Who can write a named pipe, or replace it, can set the recipient of tokens.
func TestNamedPipeOfOthersIsRejected(t *testing.T) {
	t.Parallel()
	for what, test := range map[string]struct {
		pipe, folder os.FileMode
		refuse       bool
	}{
		"private": {0o600, 0o700, false}, "pipe for others": {0o622, 0o700, true}, "pipe for the group": {0o660, 0o700, true},
		"folder for everybody": {0o600, 0o777, true},
	} {
		if os.Getuid() != 0 && strings.Contains(what, "group") { // a user may have a private group
			continue
		}
		root := t.TempDir()
		folder := filepath.Join(root, "tlxhook")
		pipe := filepath.Join(folder, "config.yaml")
		err := errors.Join(
			os.Mkdir(folder, 0o700), syscall.Mkfifo(pipe, 0o600), os.Chmod(pipe, test.pipe), os.Chmod(folder, test.folder),
		)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if writer, err := os.OpenFile(pipe, os.O_WRONLY, 0); err == nil { // waits for the reader
				_, _ = writer.WriteString("profile: acme\n")
				_ = writer.Close()
			}
		}()
		if _, err := loadFrom(t, root); errors.Is(err, config.ErrUntrusted) != test.refuse {
			t.Errorf("%s: %v, refuse %t", what, err, test.refuse)
		}
	}
}

// Who can write any folder on the way to a file can replace the rest of the way, up to the home folder.
func TestFileBelowFolderOfOthersIsRejected(t *testing.T) {
	t.Parallel()
	const everybody, group, sticky = 0o777, 0o775, 0o777 | os.ModeSticky
	for what, test := range map[string]struct {
		path   string // below the root, which contains home/.config/tlxhook and way -> home/.config
		mode   map[string]os.FileMode
		owner  map[string]int
		refuse bool
	}{
		"private":               {"home/.config", nil, nil, false},
		"config":                {"home/.config", map[string]os.FileMode{"home/.config": everybody}, nil, true},
		"config for the group":  {"home/.config", map[string]os.FileMode{"home/.config": group}, nil, true},
		"config of another":     {"home/.config", nil, map[string]int{"home/.config": 65534}, true},
		"home":                  {"home/.config", map[string]os.FileMode{"home": everybody}, nil, false},
		"home of another":       {"home/.config", nil, map[string]int{"home": 65534}, false},
		"above home":            {"home/.config", map[string]os.FileMode{"": everybody}, nil, false},
		"sticky":                {"other/a/b", map[string]os.FileMode{"other": sticky}, nil, false},
		"sticky of another":     {"other/a/b", map[string]os.FileMode{"other": sticky}, map[string]int{"other": 65534}, true},
		"in sticky, of another": {"other/a/b", map[string]os.FileMode{"other": sticky}, map[string]int{"other/a": 65534}, true},
		"three above":           {"other/a/b", map[string]os.FileMode{"other": everybody}, nil, true},
		"two above":             {"other/a/b", map[string]os.FileMode{"other/a": everybody}, nil, true},
		"through a link":        {"way", map[string]os.FileMode{"home/.config": everybody}, nil, true},
		"folder of a link":      {"links/way", map[string]os.FileMode{"links": everybody}, nil, true},
		"back with dots":        {"other/a/../../home/.config", map[string]os.FileMode{"other": everybody}, nil, true},
	} {
		root := t.TempDir()
		at := func(name string) string { return filepath.Join(root, name) }
		err := errors.Join(
			os.MkdirAll(at("home/.config/tlxhook"), 0o700), os.MkdirAll(at("other/a/b/tlxhook"), 0o700), os.Mkdir(at("links"), 0o700),
			os.Symlink("home/.config", at("way")), os.Symlink("../home/.config", at("links/way")),
			os.WriteFile(at("home/.config/tlxhook/config.yaml"), []byte("profile: acme\n"), 0o600),
			os.WriteFile(at("other/a/b/tlxhook/config.yaml"), []byte("profile: acme\n"), 0o600),
		)
		for name, mode := range test.mode {
			err = errors.Join(err, os.Chmod(at(name), mode))
		}
		if os.Getuid() != 0 && (len(test.owner) > 0 || strings.Contains(what, "group")) { // a user may have a private group
			continue
		}
		for name, owner := range test.owner {
			err = errors.Join(err, os.Chown(at(name), owner, owner))
		}
		if err != nil {
			t.Fatal(err)
		}
		flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
		flags.String("config", "", "")
		if err := flags.Parse([]string{"--config", root + "/" + test.path + "/tlxhook/config.yaml"}); err != nil {
			t.Fatal(err)
		}
		_, err = config.Load(t.Context(), flags, func(name string) (string, bool) {
			return map[string]string{"HOME": at("home")}[name], true
		})
		if errors.Is(err, config.ErrUntrusted) != test.refuse {
			t.Errorf("%s: %v, refuse %t", what, err, test.refuse)
		}
	}
}

func TestPrivateGroupIsOfOneUser(t *testing.T) {
	t.Parallel()
	const passwd = "root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1000:,,,:/home/bob:/bin/sh\neve:x:1001:1001::/home/eve:/bin/sh\n" +
		"ann:x:1002:1002::/:/bin/sh\nsam:x:1003:100::/:/bin/sh\nzoe:x:1004:1004::/:/bin/sh\nliz:x:1005:1004::/:/bin/sh\n\nbroken\n"
	const group = "root:x:0:\nbob:x:1000:\neve:x:1001:www-data\nann:x:1002:ann\nusers:x:100:\nzoe:x:1004:\nbob2:x:2000:\n\nbroken\n"
	for _, test := range []struct {
		uid, gid string
		private  bool
	}{
		{"1000", "1000", true},
		{"1002", "1002", true},
		{"1001", "1001", false}, // another member
		{"1003", "100", false},
		{"1000", "2000", false}, // another name
		{"1004", "1004", false}, // the primary group of another user
		{"1000", "1002", false},
		{"1000", "0", false}, // the group of another user
		{"0", "0", false},    // that of root is shared
		{"4711", "4711", false},
		{"1000", "-1", false}, // unknown
	} {
		if got := config.IsPrivateGroup(passwd, group, test.uid, test.gid); got != test.private {
			t.Errorf("group %s of user %s: private %t, want %t", test.gid, test.uid, got, test.private)
		}
	}
}

// A file without an end, or of more than the limit, is no file of settings.
func TestEndlessSettingsAreRejected(t *testing.T) {
	t.Parallel()
	large := filepath.Join(t.TempDir(), "large")
	if err := errors.Join(os.WriteFile(large, nil, 0o600), os.Truncate(large, 1<<40)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/dev/zero": "neither a regular file nor a pipe", "/dev/urandom": "neither a regular file nor a pipe",
		t.TempDir(): "neither a regular file nor a pipe", large: "larger than 16 MiB",
	} {
		flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
		flags.String("config", path, "")
		if err := flags.Set("config", path); err != nil {
			t.Fatal(err)
		}
		_, err := config.Load(t.Context(), flags, func(string) (string, bool) { return "", false })
		if !errors.Is(err, config.ErrSettings) {
			t.Errorf("%s: %v, want %v", path, err, config.ErrSettings)
		}
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

// A device that everybody can write, such as /dev/null, has no content of others.
func TestDeviceIsTrusted(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	folder := filepath.Join(root, "tlxhook")
	if err := errors.Join(os.Mkdir(folder, 0o700), os.Symlink(os.DevNull, filepath.Join(folder, "config.yaml"))); err != nil {
		t.Fatal(err)
	}
	if _, err := loadFrom(t, root); err != nil {
		t.Error(err)
	}
}

// Opening a named pipe waits for its other end, which no process has.
func TestNamedPipesDoNotBlock(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, name := range []string{"file", "lock", "changed", "changed.lock", "profiles.yaml.lock"} {
		if err := syscall.Mkfifo(filepath.Join(folder, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	release, err := config.Lock(filepath.Join(folder, "lock"))
	if err != nil {
		t.Errorf("Lock: %v", err)
	} else {
		release()
	}
	if release, err = config.LockProfiles(t.Context(), folder); err != nil {
		t.Errorf("LockProfiles: %v", err)
	} else {
		release()
	}
	for name, read := range map[string]func() error{
		"ReadFile": func() error { _, err := config.ReadFile(filepath.Join(folder, "file")); return err },
		"ChangeFile": func() error {
			return config.ChangeFile(filepath.Join(folder, "changed"), func([]byte) ([]byte, error) { return nil, nil })
		},
	} {
		if err := read(); err == nil || !strings.HasSuffix(err.Error(), "not a regular file") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
