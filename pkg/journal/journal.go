// Package journal stores deliveries and the results of forwarding on disk. A delivery accepted by Append survives a
// crash of the program and of the machine. It does not verify, forward or print deliveries.
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
	ErrNotFound = errors.New("delivery not found")
	// ErrDamaged means that the file was altered by another program. It is left unchanged.
	ErrDamaged = errors.New("the journal is damaged")
	// ErrUnusable means that the file cannot be opened, read or written. The error has the cause.
	ErrUnusable = errors.New("the journal cannot be used")
	// ErrVersion means that a newer version of the program created the file.
	ErrVersion = errors.New("the journal was created by a newer version of tlxhook")
	// ErrUnsafe means that other users could replace the journal.
	ErrUnsafe = errors.New("the folder of the journal is not safe")
	// ErrTooLarge means that the store does not accept a delivery of this size.
	ErrTooLarge = errors.New("the delivery is too large to be stored")
	// ErrSpace means that the disk has less free space than [Options.MinFree].
	ErrSpace = errors.New("the disk is almost full")
	// ErrUnavailable means that the last write failed and none has succeeded since.
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
	Pending   State = "pending"   // not forwarded yet
	Forwarded State = "forwarded" // accepted by an app
	Dead      State = "dead"      // given up; can be replayed
)

// States returns every state. The file stores their indexes.
func States() []State { return []State{Pending, Forwarded, Dead} }

// Delivery is a received delivery.
type Delivery struct {
	// Key is the idempotency key.
	Key            string
	Received       time.Time // stored in microseconds
	Event          string
	SubscriptionID int64
	// ObjectID is the ID of the object that the event is about.
	ObjectID int64
	// ContentType and Signature are headers as received; they may be empty.
	ContentType string
	Signature   string
	// Header has the other headers, with secrets masked. Source is the address of the sender, with its port.
	Header http.Header
	Source string
	Body   []byte
	// Backfill reports whether the delivery replaces one that Tripletex did not send.
	Backfill bool
	// Unreadable reports whether a part of Body is unreadable, see ParseHead of pkg/webhook, so that its version is unknown.
	// An unreadable ID is 0.
	Unreadable bool
}

// Entry is a delivery in the journal.
type Entry struct {
	// ID increases with every delivery and is never reused.
	ID int64
	Delivery
	State State
	// Altered reports whether an earlier delivery had the same key and another body.
	Altered bool
	// Outdated reports whether an earlier delivery had a higher version of the object. It is set by [Journal.CatchUp].
	Outdated bool
	Attempts int
	// FirstAttempt and LastAttempt are zero without an attempt.
	FirstAttempt time.Time
	LastAttempt  time.Time
	// Tried is the time spent on forwarding, without pauses in which no program forwarded.
	Tried time.Duration
	// Status is the HTTP status or exit code of the last attempt; -1 without an answer.
	Status int
	// Outcome is the error of the last attempt.
	Outcome string
	// Origin identifies the journal or stream. Only Get sets it.
	Origin string
}

// Options configure a journal.
type Options struct {
	// MinFree is the free disk space in bytes below which Append refuses deliveries.
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
	lock   *flock.Flock // nil if another program receives
	writer *writer
	claims *claims
	mu     sync.Mutex // guards reader
	reader *connection
}

const (
	fileName = "journal.db"
	lockName = "journal.lock"
)

// probeTime is longer than a program that only looks at the lock holds it, such as [Inspect].
const probeTime = 300 * time.Millisecond

// Open opens or creates the journal in a folder for receiving. Only one program can; others get ErrLocked. The file is
// checked completely first; a damaged one is refused and left unchanged.
func Open(folder string, o Options) (*Journal, error) {
	if err := makeFolder(folder); err != nil {
		return nil, err
	}
	held := flock.New(filepath.Join(folder, lockName), flock.SetPermissions(0o600))
	limited, cancel := context.WithTimeout(context.Background(), probeTime)
	defer cancel()
	switch _, err := held.TryLockContext(limited, probeTime/10); {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, ErrLocked
	case err != nil:
		return nil, explain("lock the journal", err)
	}
	j, err := open(folder, o, true)
	if err != nil {
		return nil, errors.Join(err, held.Unlock())
	}
	j.lock = held
	return j, nil
}

// Attach opens the journal in a folder for reading and short changes, also while another program receives. On a
// read-only medium, changes return ErrReadOnly.
func Attach(folder string) (*Journal, error) {
	if err := checkFolder(folder); err != nil {
		return nil, err
	}
	if _, err := os.Lstat(filepath.Join(folder, fileName)); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w in %s", ErrAbsent, folder)
	}
	j, err := open(folder, Options{}, false)
	if errors.Is(err, ErrUnusable) {
		if readable, roErr := openReadOnly(folder, err); roErr == nil {
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
	j := &Journal{
		folder: folder, space: newSpace(folder, o.MinFree), reader: reader, writer: newWriter(c, path), claims: newClaims(folder),
	}
	go j.writer.run()
	if j.id, err = j.Noted(context.Background(), noteID); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return j, nil
}

// prepare migrates a file to the current version. Content that a crash left unsynced is made durable before a delivery
// can be reported as its duplicate.
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
	err = errors.Join(err, j.writer.connection.Close(), j.claims.close())
	if j.lock != nil {
		err = errors.Join(err, j.lock.Unlock())
	}
	return err
}

// Append stores a delivery and returns when it is durable. If the same key and body are already stored, it reports a
// duplicate.
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

// ID identifies the journal, even after its folder was moved.
func (j *Journal) ID() string { return j.id }

// Healthy returns the reason why nothing can be stored now, or nil.
func (j *Journal) Healthy() error {
	if err := j.writer.healthy(); err != nil {
		return err
	}
	return j.space.check()
}
