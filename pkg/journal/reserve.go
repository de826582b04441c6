package journal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	reserveName = "journal.reserve"
	// reserveSize is enough in bytes to write the log to the file, and to delete a group.
	reserveSize = 32 << 20
)

// KeepReserve creates the file of 32 MiB whose space a purge uses on a full disk, if twice that is free.
func (j *Journal) KeepReserve() error {
	path := filepath.Join(j.folder, reserveName)
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if free, _, err := Space(j.folder); err != nil || free < 2*reserveSize {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = errors.Join(allocate(file, reserveSize), file.Close())
	if err != nil {
		_ = os.Remove(path) // a part is of no use
	}
	return err
}

// FreeReserve deletes the reserve of a journal if less than its size is free. Call it before [Attach], which writes too.
func FreeReserve(folder string) error {
	free, _, err := Space(folder)
	if err != nil || free >= reserveSize {
		return err
	}
	if err := os.Remove(filepath.Join(folder, reserveName)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
