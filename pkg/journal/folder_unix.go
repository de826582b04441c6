//go:build unix

package journal

import (
	"fmt"
	"os"
	"syscall"
)

// checkOwner refuses a folder of another user, and one in which other users can replace files.
func checkOwner(folder string, info os.FileInfo) error {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && int64(stat.Uid) != int64(os.Geteuid()) {
		return fmt.Errorf("%w: %s belongs to another user", ErrUnsafe, folder)
	}
	if info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%w: others can write to it; run chmod 700 %s", ErrUnsafe, folder)
	}
	return nil
}

// Space returns the free space for a file in a folder and the size of its file system, in bytes.
func Space(folder string) (free, total int64, err error) {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(folder, &stat); err != nil {
		return 0, 0, err
	}
	// The types of these fields differ between systems.
	block := float64(stat.Bsize)
	return int64(float64(stat.Bavail) * block), int64(float64(stat.Blocks) * block), nil
}
