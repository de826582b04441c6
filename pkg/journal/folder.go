package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// makeFolder creates the folder of a journal with mode 0700, and refuses one that other users can change.
func makeFolder(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return explain("make the folder of the journal", err)
	}
	return checkFolder(folder)
}

func checkFolder(folder string) error {
	info, err := os.Stat(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w in %s", ErrAbsent, folder)
	case err != nil:
		return explain("open the journal", err)
	case !info.IsDir():
		return fmt.Errorf("%w: %s is not a folder", ErrUnsafe, folder)
	}
	return checkOwner(folder, info)
}

// makeFile creates an empty file with mode 0600 regardless of the umask, before SQLite would create it. It reports
// whether the file is empty. A symbolic link is refused.
func makeFile(path string) (fresh bool, err error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return false, explain("make the journal", err)
		}
		return true, file.Close()
	case err != nil:
		return false, explain("open the journal", err)
	case !info.Mode().IsRegular():
		return false, fmt.Errorf("%w: %s is not a regular file", ErrUnsafe, path)
	}
	return info.Size() == 0, nil
}

// place identifies the file at a path.
type place struct {
	path string
	file os.FileInfo
}

var errMoved = errors.New("its file was removed or replaced")

// look returns an error if the file at the path was removed or replaced since the first call. Writes to such a file
// would succeed and be lost.
func (p *place) look() error {
	now, err := os.Lstat(p.path)
	switch {
	case err != nil && p.file == nil:
		return nil // not created yet
	case err != nil:
		return errMoved
	case p.file == nil:
		p.file = now
	case !os.SameFile(p.file, now):
		return errMoved
	}
	return nil
}
