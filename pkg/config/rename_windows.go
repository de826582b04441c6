package config

import (
	"errors"
	"os"
	"syscall"
	"time"
)

const (
	renameLimit = 2 * time.Second
	renamePause = 20 * time.Millisecond
)

// errShared is ERROR_SHARING_VIOLATION: another program has the file open.
const errShared = syscall.Errno(32)

// Rename replaces the file to by the file from. Windows refuses this while another program has one of them open, such as
// a monitor or a virus scanner, so it tries again for 2 seconds.
func Rename(from, to string) error {
	end := time.Now().Add(renameLimit)
	for {
		err := os.Rename(from, to)
		open := errors.Is(err, errShared) || errors.Is(err, syscall.ERROR_ACCESS_DENIED)
		if !open || time.Now().After(end) {
			return err
		}
		time.Sleep(renamePause)
	}
}
