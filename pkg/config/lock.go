package config

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// ErrLocked means that another process holds a lock.
var ErrLocked = errors.New("locked")

// lockRetry is the interval between attempts to acquire a held lock.
const lockRetry = 25 * time.Millisecond

// Lock acquires a lock until release is called or the process ends, or returns [ErrLocked]. The file is not removed:
// otherwise two processes could lock two files with the same name.
func Lock(path string) (release func(), err error) {
	lock, err := newLock(path)
	if err != nil {
		return nil, err
	}
	locked, err := lock.TryLock()
	if err != nil {
		return nil, err
	}
	if !locked {
		return nil, fmt.Errorf("%s: %w by another process", path, ErrLocked)
	}
	return func() { _ = lock.Close() }, nil // also released at the end of the process
}

// WaitLock is Lock that waits for another process until ctx ends. It calls waiting once if it has to wait. The error
// after a deadline is [ErrLocked].
func WaitLock(ctx context.Context, path string, waiting func()) (release func(), err error) {
	release, err = Lock(path)
	if !errors.Is(err, ErrLocked) {
		return release, err
	}
	waiting()
	lock, newErr := newLock(path)
	if newErr != nil {
		return nil, newErr
	}
	switch taken, waitErr := lock.TryLockContext(ctx, lockRetry); {
	case taken:
		return func() { _ = lock.Close() }, nil
	case errors.Is(waitErr, context.DeadlineExceeded):
		return nil, err
	default:
		return nil, waitErr
	}
}

// holdLock waits for a lock without a limit, and holds it until release is called or the process ends.
func holdLock(path string) (release func(), err error) {
	lock, err := newLock(path)
	if err == nil {
		err = lock.Lock()
	}
	return func() { _ = lock.Close() }, err
}

func newLock(path string) (*flock.Flock, error) {
	return NewFlock(path), os.MkdirAll(filepath.Dir(path), 0o700)
}

// NewFlock returns a private lock file that is not a symbolic link.
func NewFlock(path string) *flock.Flock {
	return flock.New(path, flock.SetFlag(os.O_CREATE|noFollow))
}

// IsLocked reports whether another process holds a lock. It does not create the file.
func IsLocked(path string) (bool, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	lock := NewFlock(path)
	free, err := lock.TryRLock()
	return !free, errors.Join(err, lock.Close())
}
