package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// WriteFile replaces a private file as a whole, so that a crash leaves the old or the new one. Its folder is
// made if it is not there.
func WriteFile(path string, content []byte) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // a link stays a link
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return replace(path, content, 0o600)
}

var errNotRegular = errors.New("it is no regular file")

// WriteReport replaces a file that other programs read as a whole, so that none ever reads half of it. Its folder
// must be there, and what stands in its place must be a file: a device would be replaced like one.
func WriteReport(path string, content []byte) error {
	info, err := os.Lstat(path)
	if err == nil && !info.Mode().IsRegular() {
		return errNotRegular
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return replace(path, content, 0o644)
}

// replace writes to a file beside, whose name begins with a dot and ends with digits, so that nobody who collects
// files by their ending takes it.
func replace(path string, content []byte, mode fs.FileMode) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = temporary.Write(content)
	err = errors.Join(err, temporary.Chmod(mode), temporary.Sync(), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		_ = os.Remove(temporary.Name())
	}
	return err
}

// ChangeFile replaces a private file by what change makes of it, while no other program does the same. Change is
// given nothing where there is no file; where it returns nothing, the file stays as it is.
func ChangeFile(path string, change func(content []byte) ([]byte, error)) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	held := flock.New(path + ".lock")
	if err := held.Lock(); err != nil {
		return err
	}
	defer func() { _ = held.Unlock() }()
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	changed, err := change(content)
	if err != nil || changed == nil {
		return err
	}
	return WriteFile(path, changed)
}
