//go:build !windows

package config_test

import (
	"errors"
	"os"
	"path/filepath"
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
