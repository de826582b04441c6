//go:build !windows

package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// noFollow is a flag to refuse a symbolic link.
const noFollow = syscall.O_NOFOLLOW

// nonBlocking is a flag to open a named pipe without waiting for its other end.
const nonBlocking = syscall.O_NONBLOCK

const (
	writableByGroup  = 0o020
	writableByOthers = 0o002
)

// CheckTrusted returns ErrUntrusted, with the command that repairs it, for a file or folder of another user, and for one
// that others can write, except a device and a sticky folder. The private group of the user has no others.
func CheckTrusted(path string, info fs.FileInfo) error {
	owner, group := os.Getuid(), -1
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		owner, group = int(stat.Uid), int(stat.Gid)
	}
	if owner != os.Getuid() && owner != 0 {
		return fmt.Errorf("%s: %w because user %d owns it; run chown %d %[1]s", path, ErrUntrusted, owner, os.Getuid())
	}
	mode := info.Mode()
	switch {
	case mode&fs.ModeDevice != 0, mode.IsDir() && mode&fs.ModeSticky != 0:
		return nil
	case mode&writableByOthers != 0, mode&writableByGroup != 0 && !hasPrivateGroup(os.Getuid(), group):
		return fmt.Errorf("%s: %w; run chmod go-w %[1]s", path, ErrUntrusted)
	}
	return nil
}

// maxLinks is the number of links from a file to its target that are followed, as in the kernel.
const maxLinks = 40

// checkFolders checks each folder on the way to a file, through links too, but for the home folder and those above it:
// whoever can write there can change the start-up files of the user's shell.
func checkFolders(path, home string) error {
	if !filepath.IsAbs(path) {
		folder, err := os.Getwd()
		if err != nil {
			return err
		}
		path = folder + "/" + path // filepath.Join would resolve ".." without regard to links
	}
	if target, err := filepath.EvalSymlinks(home); err == nil {
		home = target
	}
	folder, names := "/", strings.Split(path, "/")
	for links := 0; len(names) > 0 && links <= maxLinks; {
		name := names[0]
		names = names[1:]
		if name == "" || name == "." {
			continue
		}
		if err := checkFolder(folder, home); err != nil {
			return err
		}
		next, linked, err := follow(folder, name)
		if err != nil {
			return err
		}
		if folder = next; len(linked) > 0 {
			names = append(linked, names...)
			links++
		}
	}
	if len(names) > 0 {
		return syscall.ELOOP
	}
	return nil
}

// follow returns the path of a name in a folder. For a link it returns the names of its target, and where these start.
func follow(folder, name string) (next string, linked []string, err error) {
	next = filepath.Join(folder, name)
	target, err := os.Readlink(next)
	switch {
	case errors.Is(err, syscall.EINVAL), errors.Is(err, fs.ErrNotExist): // no link, or an open file that was deleted
		return next, nil, nil
	case err == nil && filepath.IsAbs(target):
		folder = "/"
	}
	return folder, strings.Split(target, "/"), err
}

// checkFolder returns ErrUntrusted for a folder in which others can replace a file, but for home and the folders above
// it. The sticky bit limits that to the owners of the file and of the folder; a read-only file system prevents it.
func checkFolder(folder, home string) error {
	if strings.HasPrefix(home+"/", strings.TrimSuffix(folder, "/")+"/") {
		return nil
	}
	const mayWrite = 2
	info, err := os.Stat(folder)
	if err != nil || errors.Is(syscall.Access(folder, mayWrite), syscall.EROFS) {
		return err
	}
	return CheckTrusted(folder, info)
}
