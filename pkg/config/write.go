package config

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// WriteFile replaces a private file atomically: a crash leaves the old or the new content. It creates the folder if
// necessary.
func WriteFile(path string, content []byte) error {
	path = followLinks(path)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return replace(path, content, 0o600)
}

// followLinks returns the file that a symbolic link leads to, so that writing keeps the link. The file may not exist yet.
func followLinks(path string) string {
	target, err := filepath.EvalSymlinks(path)
	if err == nil {
		return target
	}
	link, notLink := os.Readlink(path)
	if notLink != nil || !errors.Is(err, fs.ErrNotExist) {
		return path
	}
	if !filepath.IsAbs(link) {
		folder, err := filepath.EvalSymlinks(filepath.Dir(path))
		if err != nil {
			return path
		}
		link = filepath.Join(folder, link)
	}
	return followLinks(link)
}

var errNotRegular = errors.New("not a regular file")

// CheckRegular returns an error for an existing file that is not a regular one, as reading it may block.
func CheckRegular(path string) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return &fs.PathError{Op: "read", Path: path, Err: errNotRegular}
	}
	return nil
}

// CheckReport returns an error if [WriteReport] would fail: the folder must exist, and an existing file must be regular,
// as a device would be replaced by a file.
func CheckReport(path string) error {
	info, err := os.Lstat(path)
	if err == nil && !info.Mode().IsRegular() {
		return errNotRegular
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	_, err = os.Stat(filepath.Dir(path))
	return err
}

// WriteReport atomically replaces a file that other programs read.
func WriteReport(path string, content []byte) error {
	if err := CheckReport(path); err != nil {
		return err
	}
	return replace(path, content, 0o644)
}

// replace writes to a temporary file in the same folder. Its name starts with a dot and ends with letters, so that
// programs that collect files by extension ignore it. The umask applies.
func replace(path string, content []byte, mode fs.FileMode) error {
	name := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+rand.Text())
	temporary, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = temporary.Write(content)
	err = errors.Join(err, temporary.Sync(), temporary.Close())
	if err == nil {
		err = Rename(name, path)
	}
	if err != nil {
		_ = os.Remove(name)
	}
	return err
}

// ReadFile reads a regular file. A named pipe would block, and a device may have no end.
func ReadFile(path string) ([]byte, error) {
	if err := CheckRegular(path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// ChangeFile replaces the content of a private file by the result of change, under a lock. The content is nil without a
// file; a nil result leaves the file unchanged. The error is [ErrLocked] if another process holds the lock for 30 seconds.
func ChangeFile(path string, change func(content []byte) ([]byte, error)) error {
	release, err := LockFile(context.Background(), path+".lock") // the change records what was done, also after a signal
	if err != nil {
		return err
	}
	defer release()
	content, err := ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	changed, err := change(content)
	if err != nil || changed == nil {
		return err
	}
	return WriteFile(path, changed)
}
