package config_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/tlxhook/tlxhook/pkg/config"
)

func TestSettingsAreText(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{
		"0123": "0123", "0x10": "0x10", "1e3": "1e3", "1_000": "1_000", "2026-11-28": "2026-11-28", "true": "true", "1.0": "1.0", "'~'": "~",
		".inf": ".inf", "12:30:00": "12:30:00", "~": "", "!!int 07": "07",
	} {
		s, err := load(t, "profile: "+written+"\n", nil)
		switch {
		case err != nil:
			t.Errorf("profile: %v", err)
		case s.Profile != want:
			t.Errorf("profile: %s is %q, want %q; %v", written, s.Profile, want, err)
		}
	}
}

// Only a program has several lines.
func TestQueriesAndTemplatesMayHaveLines(t *testing.T) {
	t.Parallel()
	s, err := load(t, "jq: |\n  .[]\n  | .id\ntemplate: \"{{.id}}\\t{{.event}}\"\n", nil)
	switch {
	case err != nil:
		t.Error(err)
	case s.JQ != ".[]\n| .id\n":
		t.Errorf("s.JQ = %q", s.JQ)
	case s.Template != "{{.id}}\t{{.event}}":
		t.Errorf("s.Template = %q", s.Template)
	}
}

func TestFileWritableByOthersIsRejected(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the mode says nothing about access there")
	}
	readers := map[string]func(folder string) error{
		"config.yaml": func(folder string) error {
			_, err := config.Load(t.Context(), pflag.NewFlagSet("test", pflag.ContinueOnError), func(name string) (string, bool) {
				return map[string]string{"XDG_CONFIG_HOME": filepath.Dir(folder), "HOME": folder}[name], true
			})
			return err
		},
		"profiles.yaml": func(folder string) error {
			_, err := config.LoadProfiles(config.Folders{Config: folder})
			return err
		},
	}
	for name, read := range readers {
		for what, test := range map[string]struct {
			mode    fs.FileMode
			owner   int
			refused string
		}{
			"private": {0o600, 0, ""}, "readable": {0o644, 0, ""}, "read-only": {0o400, 0, ""},
			"group": {0o660, 0, "chmod go-w"}, "everybody": {0o666, 0, "chmod go-w"}, "others only": {0o602, 0, "chmod go-w"},
			"another user": {0o600, 65534, "chown"}, "another user reads": {0o644, 65534, "chown"},
		} {
			if os.Getuid() != 0 && what == "group" { // a user may have a private group
				continue
			}
			folder := filepath.Join(t.TempDir(), "tlxhook")
			file := filepath.Join(t.TempDir(), "real") // behind a link
			content := map[string]string{"config.yaml": "profile: acme\n", "profiles.yaml": "format: 1\n"}[name]
			err := errors.Join(os.MkdirAll(folder, 0o700), os.WriteFile(file, []byte(content), 0o600), os.Symlink(file, filepath.Join(folder, name)))
			if err == nil && test.owner != 0 {
				if err = os.Chown(file, test.owner, test.owner); os.Getuid() != 0 {
					continue
				}
			}
			if err = errors.Join(err, os.Chmod(file, test.mode)); err != nil {
				t.Fatal(err)
			}
			err = read(folder)
			if test.refused == "" && err != nil {
				t.Errorf("%s %s: %v", name, what, err)
			}
			if test.refused != "" && !errors.Is(err, config.ErrUntrusted) {
				t.Errorf("%s %s: %v, want %v", name, what, err, config.ErrUntrusted)
			}
			if test.refused != "" && !strings.Contains(fmt.Sprint(err), test.refused) {
				t.Errorf("%s %s: %v, want %q", name, what, err, test.refused)
			}
		}
	}
}

// Who can write a folder can replace its files, whatever their modes.
func TestFileInFolderOfOthersIsRejected(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the mode says nothing about access there")
	}
	for what, test := range map[string]struct {
		folder, linked fs.FileMode
		owner          int
		refused        string
	}{
		"private":           {0o700, 0o700, 0, ""},
		"readable":          {0o755, 0o755, 0, ""},
		"sticky":            {0o777 | fs.ModeSticky, 0o755, 0, ""},
		"everybody":         {0o777, 0o755, 0, "chmod go-w"},
		"group":             {0o770, 0o755, 0, "chmod go-w"},
		"folder of a link":  {0o755, 0o777, 0, "chmod go-w"},
		"another user":      {0o755, 0o755, 65534, "chown"},
		"another user, 700": {0o700, 0o755, 65534, "chown"},
		"sticky of another": {0o755 | fs.ModeSticky, 0o755, 65534, "chown"},
	} {
		if os.Getuid() != 0 && what == "group" { // a user may have a private group
			continue
		}
		folder, linked := filepath.Join(t.TempDir(), "tlxhook"), filepath.Join(t.TempDir(), "linked")
		file := filepath.Join(folder, "real")
		err := errors.Join(
			os.Mkdir(folder, 0o700), os.Mkdir(linked, 0o700), os.WriteFile(file, []byte("format: 1\n"), 0o600),
			os.Symlink(file, filepath.Join(linked, "profiles.yaml")), os.Chmod(folder, test.folder), os.Chmod(linked, test.linked),
		)
		if test.owner != 0 {
			if os.Getuid() != 0 {
				continue
			}
			err = errors.Join(err, os.Chown(folder, test.owner, test.owner))
		}
		if err != nil {
			t.Fatal(err)
		}
		_, err = config.LoadProfiles(config.Folders{Config: linked})
		if test.refused == "" && err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if test.refused != "" && !errors.Is(err, config.ErrUntrusted) {
			t.Errorf("%s: %v, want %v", what, err, config.ErrUntrusted)
		}
		if test.refused != "" && !strings.Contains(fmt.Sprint(err), test.refused) {
			t.Errorf("%s: %v, want %q", what, err, test.refused)
		}
	}
}

// Who can write the folder of any link on the way to a file can point it to another file of the user.
func TestFileBehindLinkOfOthersIsRejected(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the mode says nothing about access there")
	}
	for what, test := range map[string]struct {
		shared fs.FileMode
		target string // of the second link, in the shared folder
		refuse bool
	}{
		"private": {0o700, "../private/real", false}, "sticky": {0o777 | fs.ModeSticky, "../private/real", false},
		"everybody": {0o777, "../private/real", true}, "group": {0o770, "../private/real", true},
		"everybody, absolute": {0o777, "", true}, "loop": {0o700, "loop", true},
	} {
		if os.Getuid() != 0 && what == "group" { // a user may have a private group
			continue
		}
		root := t.TempDir()
		private, shared := filepath.Join(root, "private"), filepath.Join(root, "open")
		if test.target == "" {
			test.target = filepath.Join(private, "real")
		}
		err := errors.Join(
			os.Mkdir(private, 0o700), os.Mkdir(shared, 0o700), os.WriteFile(filepath.Join(private, "real"), []byte("format: 1\n"), 0o600),
			os.Symlink("../open/loop", filepath.Join(private, "profiles.yaml")), os.Symlink(test.target, filepath.Join(shared, "loop")),
			os.Chmod(shared, test.shared),
		)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = config.LoadProfiles(config.Folders{Config: private}); (err != nil) != test.refuse {
			t.Errorf("%s: %v, refuse %t", what, err, test.refuse)
		}
	}
}

func TestProfilesOfAnotherFormatAreRejected(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"two documents": "format: 1\n---\nformat: 1\n", "unknown key": "format: 1\ndefault: acme\n",
		"unknown key of a profile": "format: 1\nprofiles: [{name: a, baseURL: https://evil.example.no}]\n",
		"set twice":                "format: 1\ncurrent: a\ncurrent: b\n", "newer": "format: 2\n", "no format": "current: a\n",
	} {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "profiles.yaml"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if p, err := config.LoadProfiles(config.Folders{Config: folder}); err == nil {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

func TestLookupIgnoresCaseOnWindows(t *testing.T) {
	t.Parallel()
	environ := []string{"AppData=old", `APPDATA=C:\Users\x`, "tlxhook_profile=acme", "=C:=C:\\", "EMPTY="}
	for name, want := range map[string]string{"APPDATA": `C:\Users\x`, "AppData": `C:\Users\x`, "TLXHOOK_PROFILE": "acme", "empty": ""} {
		switch got, ok := config.NewLookup(environ, "windows")(name); {
		case !ok:
			t.Errorf("on Windows %s is not set", name)
		case got != want:
			t.Errorf("on Windows %s is %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]string{"AppData": "old", "TLXHOOK_PROFILE": "", "EMPTY": ""} {
		switch got, ok := config.NewLookup(environ, "linux")(name); {
		case got != want:
			t.Errorf("on Linux %s is %q, want %q", name, got, want)
		case ok != (name != "TLXHOOK_PROFILE"):
			t.Errorf("on Linux %s is set: %t", name, ok)
		}
	}
}
