package journal

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
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

// makeRoom frees the reserve on a full disk, and gives the writer time to recover.
func (j *Journal) makeRoom(ctx context.Context) error {
	err := FreeReserve(j.folder)
	tick := time.NewTicker(retryAfter / 10)
	defer tick.Stop()
	for range 30 {
		if err != nil || !errors.Is(j.writer.healthy(), ErrUnavailable) {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return err
}

// writeBack writes the log to the file if the disk is almost full: the log does not grow, and the file shrinks.
func (j *Journal) writeBack(ctx context.Context) error {
	if free, _, err := Space(j.folder); err != nil || free >= 2*reserveSize {
		return err
	}
	return j.read(ctx, checkpoint)
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
