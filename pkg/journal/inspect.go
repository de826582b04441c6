package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// ReceiverNote is the name of the note with the identity of the program that receives.
const ReceiverNote = "receiver"

// wholeLimit is up to which size in bytes a file is checked as a whole by a look from outside.
const wholeLimit = 1 << 30

// Overview is what a journal looks like from outside.
type Overview struct {
	// Receiving tells whether a program receives into it, and Receiver which one and since when, as far as it has
	// noted that.
	Receiving bool
	Receiver  string
	// Whole tells whether the file was checked as a whole; one of more than 1 GiB is not.
	Whole bool
	// Stats has its counts and its size. Nothing was done since it was opened.
	Stats Stats
}

// Inspect looks at the journal of a folder and changes nothing in it, whatever state it is in. Its errors are those of
// [Attach], and [ErrDamaged] where the file is.
func Inspect(folder string) (Overview, error) {
	var o Overview
	if err := checkFolder(folder); err != nil {
		return o, err
	}
	path, err := filepath.Abs(filepath.Join(folder, fileName))
	if err != nil {
		return o, err
	}
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return o, fmt.Errorf("%w in %s", ErrAbsent, folder)
	case err != nil:
		return o, err
	case !info.Mode().IsRegular():
		return o, fmt.Errorf("%w: %s is not a regular file", ErrUnsafe, path)
	}
	if o.Receiving, err = isLocked(filepath.Join(folder, lockName)); err != nil {
		return o, err
	}
	query := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(1000)", "trusted_schema(OFF)", "cell_size_check(ON)"}}
	if _, err := os.Lstat(path + "-wal"); err != nil && !o.Receiving {
		query.Set("immutable", "1") // nobody uses it, so no files beside it are needed, and none are left
	}
	c, err := dial(path, query)
	if err != nil {
		return o, err
	}
	o.Stats.Bytes = sizeOf(path, path+"-wal")
	return o, errors.Join(o.read(c), c.Close())
}

// isLocked reports whether another program holds a lock. It leaves no lock file behind.
func isLocked(path string) (bool, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	lock := flock.New(path)
	free, err := lock.TryRLock()
	return !free, errors.Join(err, lock.Close())
}

func (o *Overview) read(c *connection) error {
	version, err := readVersion(c)
	if err != nil || version == 0 {
		return err
	}
	if o.Whole = o.Stats.Bytes <= wholeLimit; o.Whole {
		if err := check(c); err != nil {
			return err
		}
	}
	if o.Receiving && version == currentVersion() {
		if err := c.query(`SELECT text FROM note WHERE name = ?`, []any{ReceiverNote}, func(r row) error {
			o.Receiver = r.text(0)
			return nil
		}); err != nil {
			return explain("read the journal", err)
		}
	}
	return explain("read the journal", o.Stats.count(c))
}
