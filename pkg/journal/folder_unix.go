//go:build unix

package journal

import (
	"fmt"
	"os"
	"syscall"
)

// checkOwner refuses a folder of somebody else, and one in which others can put another file in the place of ours.
func checkOwner(folder string, info os.FileInfo) error {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && int64(stat.Uid) != int64(os.Geteuid()) {
		return fmt.Errorf("%w: %s belongs to another user", ErrUnsafe, folder)
	}
	if info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%w: others can write to it; run chmod 700 %s", ErrUnsafe, folder)
	}
	return nil
}

// freeSpace returns how many bytes a file in a folder can still grow.
func freeSpace(folder string) (int64, error) {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(folder, &stat); err != nil {
		return 0, err
	}
	// The systems have these numbers in different types.
	return int64(float64(stat.Bavail) * float64(stat.Bsize)), nil
}
