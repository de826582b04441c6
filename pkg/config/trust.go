package config

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/wait"
)

// ErrUntrusted means that other users can change a file that determines the recipient of tokens.
var ErrUntrusted = errors.New("other users can change it")

// readTrusted reads a file that only the user and root can write or replace, until ctx ends. It does not check the home
// folder.
func readTrusted(ctx context.Context, path, home string) ([]byte, error) {
	return wait.Read(ctx, func() ([]byte, error) { return readTrustedNow(path, home) })
}

func readTrustedNow(path, home string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !hasEnd(info) {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errNoFile}
	}
	if info.Mode().IsRegular() || !isDescriptor(path) {
		if err := errors.Join(CheckTrusted(path, info), checkFolders(path, home)); err != nil {
			return nil, err
		}
	}
	return wait.ReadAll(file)
}

var errNoFile = errors.New("is neither a regular file nor a pipe")

// hasEnd reports whether a file is a regular one, a pipe or the null device. Other devices may be read for ever.
func hasEnd(info fs.FileInfo) bool {
	if null, err := os.Stat(os.DevNull); err == nil && os.SameFile(info, null) {
		return true
	}
	return info.Mode().IsRegular() || info.Mode()&fs.ModeNamedPipe != 0
}

// isDescriptor reports whether a path names an open file of a process, such as /dev/stdin or that of a process substitution.
func isDescriptor(path string) bool {
	return strings.HasPrefix(path, "/dev/") || strings.HasPrefix(path, "/proc/")
}
