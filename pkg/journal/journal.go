// Package journal keeps deliveries on disk: what was received, and what became of it. A delivery that Append has
// accepted survives a crash of the program and of the machine.
// It leaves judging deliveries, forwarding them and printing them to others.
package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

var (
	// ErrLocked means that another program receives into the journal.
	ErrLocked = errors.New("another tlxhook listen uses this journal")
	// ErrAbsent means that a folder has no journal.
	ErrAbsent = errors.New("no journal")
	// ErrNotFound means that no delivery has an ID.
	ErrNotFound = errors.New("no delivery")
	// ErrDamaged means that the file was altered by something else than this package. It is left as it is.
	ErrDamaged = errors.New("the journal is damaged")
	// ErrUnusable means that the file cannot be opened, read or written. The error has the reason.
	ErrUnusable = errors.New("the journal cannot be used")
	// ErrVersion means that a newer version of the program made the file.
	ErrVersion = errors.New("the journal was made by a newer version of tlxhook")
	// ErrUnsafe means that others could put another file in the place of the journal.
	ErrUnsafe = errors.New("the folder of the journal is not safe")
	// ErrTooLarge means that a store takes no delivery of this size.
	ErrTooLarge = errors.New("the delivery is too large to be stored")
	// ErrSpace means that the disk has less free space than the journal is to leave.
	ErrSpace = errors.New("the disk is almost full")
	// ErrUnavailable means that the last write failed, and that none has succeeded since.
	ErrUnavailable = errors.New("the journal cannot be written")
	// ErrReadOnly means that the journal lies on a read-only medium.
	ErrReadOnly = errors.New("the journal is read-only")
	// ErrClosed means that the journal was closed.
	ErrClosed = errors.New("the journal is closed")
)

// State is the state of a delivery.
type State string

// The states.
const (
	Pending   State = "pending"   // to be forwarded
	Forwarded State = "forwarded" // an app has accepted it
	Dead      State = "dead"      // given up; kept, and can be replayed
)

// States returns every state. Their places in it are what the file holds.
func States() []State { return []State{Pending, Forwarded, Dead} }

// Delivery is what was received.
type Delivery struct {
	// Key is the idempotency key.
	Key            string
	Received       time.Time // kept in microseconds
	Event          string
	SubscriptionID int64
	// ObjectID is of what the event is about.
	ObjectID int64
	// ContentType and Signature are headers as they came; they may be empty.
	ContentType string
	Signature   string
	// Header has the other headers, with secrets masked. Source is the address of the sender, with its port.
	Header http.Header
	Source string
	Body   []byte
	// Backfill reports whether the delivery replaces one that was missed.
	Backfill bool
	// Unreadable reports whether the value in Body is not valid JSON, so that its version is not known.
	Unreadable bool
}

// Entry is a delivery in the journal.
type Entry struct {
	// ID grows with every delivery and is never given twice.
	ID int64
	Delivery
	State State
	// Altered reports whether an earlier delivery had the same key and another body.
	Altered bool
	// Outdated reports whether an earlier delivery had a higher version of the object. It is known after
	// [Journal.CatchUp].
	Outdated bool
	Attempts int
	// FirstAttempt and LastAttempt are zero where there was none.
	FirstAttempt time.Time
	LastAttempt  time.Time
	// Tried is the time in which forwarding was tried, without the time in which no program forwarded.
	Tried time.Duration
	// Status is the HTTP status or exit code of the last attempt; -1 where there was no answer.
	Status int
	// Outcome is the error of the last attempt.
	Outcome string
	// Origin identifies the journal or stream. Only Get sets it.
	Origin string
}

// Options configure a journal.
type Options struct {
	// MinFree is the free space in bytes that Append leaves on the disk.
	MinFree int64
	// RememberKeys is the number of deleted deliveries whose idempotency keys stay known; 0 means
	// [DefaultRememberKeys], -1 none.
	RememberKeys int64
}

// Journal is an open journal. It is safe for concurrent use.
type Journal struct {
	folder string
	id     string
	space  *space
	lock   *flock.Flock // nil beside another program that receives
	writer *writer
	mu     sync.Mutex // guards reader
	reader *connection
}

const (
	fileName = "journal.db"
	lockName = "journal.lock"
)

// Open opens the journal of a folder for receiving, and makes it if it is not there. Only one program can: another
// one gets ErrLocked. The file is checked as a whole first; a damaged one is refused and left as it is.
func Open(folder string, o Options) (*Journal, error) {
	if err := makeFolder(folder); err != nil {
		return nil, err
	}
	held := flock.New(filepath.Join(folder, lockName), flock.SetPermissions(0o600))
	if ok, err := held.TryLock(); err != nil {
		return nil, err
	} else if !ok {
		return nil, ErrLocked
	}
	j, err := open(folder, o, true)
	if err != nil {
		return nil, errors.Join(err, held.Unlock())
	}
	j.lock = held
	return j, nil
}

// Attach opens the journal of a folder for reading and for short changes, beside a program that may be receiving. On a
// read-only medium it is opened for reading alone, and changes are ErrReadOnly.
func Attach(folder string) (*Journal, error) {
	if err := checkFolder(folder); err != nil {
		return nil, err
	}
	if _, err := os.Lstat(filepath.Join(folder, fileName)); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w in %s", ErrAbsent, folder)
	}
	j, err := open(folder, Options{}, false)
	if errors.Is(err, ErrUnusable) {
		if readable, roErr := openReadOnly(folder); roErr == nil {
			return readable, nil
		}
	}
	return j, err
}

func open(folder string, o Options, receiving bool) (*Journal, error) {
	path, err := filepath.Abs(filepath.Join(folder, fileName))
	if err != nil {
		return nil, err
	}
	fresh, err := makeFile(path)
	if err != nil {
		return nil, err
	}
	c, err := connect(path, fresh)
	if err != nil {
		return nil, err
	}
	if err = prepare(c, folder, o, receiving); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	reader, err := connect(path, false)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	j := &Journal{folder: folder, space: newSpace(folder, o.MinFree), reader: reader, writer: newWriter(c, path)}
	go j.writer.run()
	if j.id, err = j.Noted(context.Background(), noteID); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return j, nil
}

// prepare brings a file to the present version. What a crash has left unsynced is made durable before anything is
// told to be a repeat of it.
func prepare(c *connection, folder string, o Options, receiving bool) error {
	version, err := readVersion(c)
	if err != nil {
		return err
	}
	if version < currentVersion() && !receiving {
		held := flock.New(filepath.Join(folder, lockName))
		if ok, err := held.TryLock(); err != nil || !ok {
			return errors.Join(err, ErrLocked)
		}
		defer func() { _ = held.Unlock() }()
	}
	if receiving && version > 0 {
		if err := check(c); err != nil {
			return err
		}
	}
	if err := migrate(c, version); err != nil {
		return err
	}
	if !receiving {
		return nil
	}
	if err := noteRememberKeys(c, o.RememberKeys); err != nil {
		return err
	}
	return checkpoint(c)
}

// Close waits for the writes in flight, and closes the journal.
func (j *Journal) Close() error {
	err := j.writer.close()
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.reader != nil {
		err = errors.Join(err, j.reader.Close())
		j.reader = nil
	}
	err = errors.Join(err, j.writer.connection.Close())
	if j.lock != nil {
		err = errors.Join(err, j.lock.Unlock())
	}
	return err
}

// Append stores a delivery, and returns once it is on the disk. Where the same key and body are stored already,
// it tells that instead.
func (j *Journal) Append(ctx context.Context, d Delivery) (Stored, error) {
	if err := j.space.check(); err != nil {
		return Stored{}, err
	}
	var stored Stored
	r := j.record(d)
	err := j.writer.commit(ctx, func(c *connection) (err error) {
		stored, err = insert(c, r)
		return err
	})
	if err != nil {
		return Stored{}, err
	}
	return stored, nil
}

// ID identifies the journal, also after its folder was moved.
func (j *Journal) ID() string { return j.id }

// Healthy returns why nothing can be stored now, or nil.
func (j *Journal) Healthy() error {
	if err := j.writer.healthy(); err != nil {
		return err
	}
	return j.space.check()
}
