package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// ErrLocked means that another process holds a lock.
var ErrLocked = errors.New("locked")

// Lock takes a lock that lasts until release is called or the process ends. The file stays: taking it away would
// let two processes hold two files of one name.
func Lock(path string) (release func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	lock := flock.New(path)
	taken, err := lock.TryLock()
	if err != nil {
		return nil, err
	}
	if !taken {
		return nil, fmt.Errorf("%s: %w by another process", path, ErrLocked)
	}
	return func() { _ = lock.Close() }, nil // the end of the process does the same
}

// IsLocked tells whether another process holds a lock. It makes none.
func IsLocked(path string) (bool, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	lock := flock.New(path)
	free, err := lock.TryRLock()
	return !free, errors.Join(err, lock.Close())
}
