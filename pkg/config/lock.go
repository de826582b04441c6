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

// lockTimeout bounds the wait for a lock that other processes hold only while they change a file. One that holds it longer
// was stopped, or its disk does not respond.
const lockTimeout = 30 * time.Second

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

// LockFile is [WaitLock] for at most 30 seconds, for a lock that is held only while a file is changed.
func LockFile(ctx context.Context, path string) (release func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	return WaitLock(ctx, path, func() {})
}

func newLock(path string) (*flock.Flock, error) {
	return NewFlock(path), os.MkdirAll(filepath.Dir(path), 0o700)
}

// NewFlock returns a private lock file that is not a symbolic link. Opening it does not block, not even a named pipe.
func NewFlock(path string) *flock.Flock {
	return flock.New(path, flock.SetFlag(os.O_CREATE|noFollow|nonBlocking))
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
