package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/tlxhook/tlxhook/pkg/config"
)

// ErrState is the cause of every failure to read, write or lock the state file of a sandbox.
var ErrState = errors.New("sandbox state")

// ErrUnreadable is the cause if the state file has another format or is damaged. It implies [ErrState].
var ErrUnreadable = fmt.Errorf("%w: cannot be read by this version", ErrState)

func stateError(err error) error { return fmt.Errorf("%w: %w", ErrState, err) }

// errTransaction is the error of an update if another update of its transaction panicked.
var errTransaction = fmt.Errorf("%w: a concurrent update failed", ErrState)

// lockTimeout bounds how long a request waits for the lock of another process.
const lockTimeout = 10 * time.Second

const stateFile = "state.json"

// file is a store in a folder that several processes can share: every Update is a transaction under a lock. The parsed
// state is cached until another process writes the file.
type file struct {
	folder string
	mu     sync.Mutex
	state  *State
	seen   os.FileInfo

	queue   sync.Mutex
	waiting []*pending
}

// NewFile returns a store in a folder, which the first write creates.
func NewFile(folder string) Store { return &file{folder: folder} }

// Reset replaces the state in a folder, also if it cannot be read.
func Reset(ctx context.Context, folder string, o Options) error {
	unlock, err := lock(ctx, folder, "state.lock")
	if err != nil {
		return err
	}
	defer unlock()
	return (&file{folder: folder, state: NewState(o)}).write()
}

// pending is a queued update.
type pending struct {
	change  func(*State) error
	started bool
	err     error
}

// Update implements Store. Updates that wait at the same time share one transaction, because writing is slow; they
// succeed or fail together.
func (f *file) Update(ctx context.Context, change func(*State) error) error {
	mine := &pending{change: change, err: errTransaction}
	f.queue.Lock()
	f.waiting = append(f.waiting, mine)
	f.queue.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	if !mine.started {
		f.updateAll(context.WithoutCancel(ctx)) // other updates depend on it
	}
	return mine.err
}

func (f *file) updateAll(ctx context.Context) {
	f.queue.Lock()
	all := f.waiting
	f.waiting = nil
	f.queue.Unlock()
	for _, p := range all {
		p.started = true
	}
	err := f.transaction(ctx, func(s *State) error {
		for _, p := range all {
			if err := p.change(s); err != nil {
				return err
			}
		}
		return nil
	})
	for _, p := range all {
		p.err = err
	}
}

func (f *file) transaction(ctx context.Context, change func(*State) error) error {
	unlock, err := lock(ctx, f.folder, "state.lock")
	if err != nil {
		return err
	}
	defer unlock()
	if err := f.read(); err != nil {
		return err
	}
	f.state.dirty = f.seen == nil
	state := f.state
	f.state = nil // a change that fails or panics halfway must not reach the next update
	if err := change(state); err != nil {
		return err
	}
	f.state = state
	if !state.dirty {
		return nil
	}
	return f.write()
}

func (f *file) path() string { return filepath.Join(f.folder, stateFile) }

func (f *file) read() error {
	info, err := os.Stat(f.path())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.state, f.seen = NewState(DefaultOptions()), nil
		return nil
	case err != nil:
		return stateError(err)
	case f.state != nil && f.seen != nil && os.SameFile(f.seen, info) && info.ModTime().Equal(f.seen.ModTime()):
		return nil
	}
	raw, err := config.ReadFile(f.path())
	if err != nil {
		return stateError(err)
	}
	state := &State{}
	if err := json.Unmarshal(raw, state); err != nil || state.Format != stateFormat {
		return fmt.Errorf("%w: %s", ErrUnreadable, f.path())
	}
	if state.Switches == nil {
		state.Switches = Switches{}
	}
	f.state, f.seen = state, info
	return nil
}

// write replaces the file. It is not flushed to disk: a sandbox may lose its last changes in a power cut.
func (f *file) write() error {
	raw, err := marshal(f.state)
	if err != nil {
		return stateError(err)
	}
	if err := replace(f.path(), raw); err != nil {
		return stateError(err)
	}
	info, err := os.Stat(f.path())
	if err != nil {
		return stateError(err)
	}
	f.seen = info
	return nil
}

// replace replaces a file, under a lock. It does not follow symbolic links.
func replace(path string, content []byte) error {
	temporary := path + ".new"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	created, err := os.OpenFile(temporary, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = created.Write(content)
	if err = errors.Join(err, created.Close()); err != nil {
		return err
	}
	return config.Rename(temporary, path)
}

// lock creates a folder and takes a lock in it.
func lock(ctx context.Context, folder, name string) (unlock func(), err error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, stateError(err)
	}
	held := config.NewFlock(filepath.Join(folder, name))
	ctx, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	switch ok, err := held.TryLockContext(ctx, 5*time.Millisecond); {
	case ok:
		return func() { _ = held.Unlock() }, nil
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("%w: %s: %w by another process", ErrState, held.Path(), config.ErrLocked)
	default:
		return nil, stateError(err)
	}
}
