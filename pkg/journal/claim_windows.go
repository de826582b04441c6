package journal

import (
	"errors"
	"os"
	"syscall"
	"unsafe"
)

// lockByte locks one byte of an open file without waiting. It returns errClaimed if another open file has the lock.
// Source: LockFileEx, exclusive and fail immediately.
func lockByte(file *os.File, offset int64) error {
	const exclusiveAtOnce, lockViolation = 3, syscall.Errno(33)
	at := overlapped(offset)
	call := syscall.NewLazyDLL("kernel32.dll").NewProc("LockFileEx")
	ok, _, err := call.Call(file.Fd(), exclusiveAtOnce, 0, 1, 0, uintptr(unsafe.Pointer(at)))
	switch {
	case ok != 0:
		return nil
	case errors.Is(err, lockViolation):
		return errClaimed
	}
	return err
}

func unlockByte(file *os.File, offset int64) error {
	at := overlapped(offset)
	call := syscall.NewLazyDLL("kernel32.dll").NewProc("UnlockFileEx")
	if ok, _, err := call.Call(file.Fd(), 0, 1, 0, uintptr(unsafe.Pointer(at))); ok == 0 {
		return err
	}
	return nil
}

func overlapped(offset int64) *syscall.Overlapped {
	return &syscall.Overlapped{Offset: uint32(offset), OffsetHigh: uint32(offset >> 32)}
}
