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

// checkTrusted returns ErrUntrusted, with the command that repairs it, for a file or folder of another user, and for one
// that others can write, but for a device and a sticky folder.
func checkTrusted(path string, info fs.FileInfo) error {
	owner := os.Getuid()
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		owner = int(stat.Uid)
	}
	if owner != os.Getuid() && owner != 0 {
		return fmt.Errorf("%s: %w because user %d owns it; run chown %d %[1]s", path, ErrUntrusted, owner, os.Getuid())
	}
	protected := info.Mode()&fs.ModeDevice != 0 || info.IsDir() && info.Mode()&fs.ModeSticky != 0
	if info.Mode().Perm()&writableByOthers != 0 && !protected {
		return fmt.Errorf("%s: %w; run chmod go-w %[1]s", path, ErrUntrusted)
	}
	return nil
}

// maxLinks is the number of links from a file to its target that are followed, as in the kernel.
const maxLinks = 40

// checkFolders checks the folder of a file and, if the file is a link, of every link on the way to its target, and of the
// target.
func checkFolders(path string) error {
	for range maxLinks {
		folder, _ := filepath.Split(path) // filepath.Dir would resolve ".." without regard to links
		if err := checkFolder(folder + "."); err != nil {
			return err
		}
		target, err := os.Readlink(path)
		switch {
		case errors.Is(err, syscall.EINVAL), errors.Is(err, fs.ErrNotExist): // no link, or an open file that was deleted
			return nil
		case err != nil:
			return err
		case !filepath.IsAbs(target):
			target = folder + target
		}
		path = target
	}
	return syscall.ELOOP
}

// checkFolder returns ErrUntrusted for a folder in which others can replace a file. The sticky bit limits that to the
// owners of the file and of the folder; a read-only file system prevents it.
func checkFolder(folder string) error {
	info, err := os.Stat(folder)
	const mayWrite = 2
	if err != nil || errors.Is(syscall.Access(folder, mayWrite), syscall.EROFS) {
		return err
	}
	return checkTrusted(filepath.Clean(folder), info)
}
