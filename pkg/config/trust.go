package config

import (
	"context"
	"errors"
	"io"
	"os"

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
	if info.Mode().IsRegular() {
		if err := errors.Join(checkTrusted(path, info), checkFolders(path)); err != nil {
			return nil, err
		}
	}
	return io.ReadAll(file)
}
