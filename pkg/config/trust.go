package config

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/wait"
)

// ErrUntrusted means that other users can change a file that determines the recipient of tokens.
var ErrUntrusted = errors.New("other users can change it")

// readTrusted reads a file that only the user and root can write or replace, until ctx ends.
func readTrusted(ctx context.Context, path string) ([]byte, error) {
	return wait.Read(ctx, func() ([]byte, error) { return readTrustedNow(path) })
}

func readTrustedNow(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Mode().IsRegular() || !isDescriptor(path) {
		if err := errors.Join(checkTrusted(path, info), checkFolders(path)); err != nil {
			return nil, err
		}
	}
	return io.ReadAll(file)
}

// isDescriptor reports whether a path names an open file of a process, such as /dev/stdin or that of a process substitution.
func isDescriptor(path string) bool {
	return strings.HasPrefix(path, "/dev/") || strings.HasPrefix(path, "/proc/")
}
