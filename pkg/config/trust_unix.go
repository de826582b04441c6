//go:build !windows

package config

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// noFollow is a flag to refuse a symbolic link.
const noFollow = syscall.O_NOFOLLOW

const writableByOthers = 0o022

// checkTrusted returns ErrUntrusted, with the command that repairs it, for a file of another user and for a file that
// others can write. It checks the target of a link.
func checkTrusted(path string, info fs.FileInfo) error {
	owner := os.Getuid()
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		owner = int(stat.Uid)
	}
	if owner != os.Getuid() && owner != 0 {
		return fmt.Errorf("%s: %w because user %d owns it; run chown %d %[1]s", path, ErrUntrusted, owner, os.Getuid())
	}
	if info.Mode().Perm()&writableByOthers != 0 {
		return fmt.Errorf("%s: %w; run chmod go-w %[1]s", path, ErrUntrusted)
	}
	return nil
}
