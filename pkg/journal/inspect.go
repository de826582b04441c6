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

// ReceiverNote is the name of the note that identifies the receiving program.
const ReceiverNote = "receiver"

// wholeLimit is the maximum size in bytes of a file that Inspect checks completely.
const wholeLimit = 1 << 30

// Overview is the state of a journal.
type Overview struct {
	// Receiving reports whether a program receives into the journal, and Receiver identifies it if it left a note.
	Receiving bool
	Receiver  string
	// Whole reports whether the file was checked completely; files over 1 GiB are not.
	Whole bool
	// Stats has the counts and the size.
	Stats Stats
}

// Inspect reads the state of the journal in a folder and changes nothing, even if the journal is damaged. Errors are
// those of [Attach], and [ErrDamaged].
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
		query.Set("immutable", "1") // with no other program, no file beside it is needed or left
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
