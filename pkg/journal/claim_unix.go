//go:build unix

package journal

import (
	"errors"
	"io"
	"os"
	"runtime"
	"syscall"
)

// lockByte locks one byte of an open file without waiting. It returns errClaimed if another open file has the lock.
func lockByte(file *os.File, offset int64) error { return setLock(file, syscall.F_WRLCK, offset) }

func unlockByte(file *os.File, offset int64) error { return setLock(file, syscall.F_UNLCK, offset) }

func setLock(file *os.File, kind int16, offset int64) error {
	// F_OFD_SETLK belongs to the open file, F_SETLK to the process. Source: fcntl(2), fcntl.h of XNU.
	command := map[string]int{"linux": 37, "darwin": 90}[runtime.GOOS]
	if command == 0 {
		return errors.ErrUnsupported
	}
	lock := syscall.Flock_t{Type: kind, Whence: io.SeekStart, Start: offset, Len: 1}
	err := syscall.FcntlFlock(file.Fd(), command, &lock)
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) {
		return errClaimed
	}
	return err
}
