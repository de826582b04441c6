//go:build !windows

package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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

// checkFolders checks the folder of a file, and of the target of a link.
func checkFolders(path string) error {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	return errors.Join(checkFolder(filepath.Dir(path)), checkFolder(filepath.Dir(target)))
}

// checkFolder returns ErrUntrusted for a folder in which others can replace a file. With the sticky bit only the owner of a
// file can, and in a read-only file system nobody.
func checkFolder(folder string) error {
	info, err := os.Stat(folder)
	const mayWrite = 2
	if err != nil || info.Mode()&fs.ModeSticky != 0 || errors.Is(syscall.Access(folder, mayWrite), syscall.EROFS) {
		return err
	}
	return checkTrusted(folder, info)
}
