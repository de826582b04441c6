package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/health"
)

// notifier tells the program of --exec, and remembers in a file what is still to be told. Without --exec it does
// nothing.
type notifier struct {
	*health.Notifier

	memory  health.WatchState // what an earlier process left
	release func()
}

// memoryVersion is the shape of the file. One that a later program wrote is not understood, and kept.
const memoryVersion = 1

type memoryFile struct {
	Version int `json:"version"`
	health.WatchState
}

// notifier returns the notifier of a watch. No other process may use the same file.
func (a *App) notifier(o *watchOptions) (*notifier, error) {
	if o.command == nil {
		return &notifier{release: func() {}}, nil
	}
	folders, err := config.NewFolders(a.lookup)
	if err != nil {
		return nil, localFailure("keep what is to be told", err)
	}
	parts := append(append([]string{}, o.selection.filter.Events...), o.selection.filter.Targets...)
	parts = append(parts, fmt.Sprint(o.selection.filter.IDs))
	if o.fleet.Many() {
		parts = append(parts, o.fleet.again())
	}
	path := filepath.Join(folders.State, "watch", a.identity(folders, append(parts, o.command...)...)+".json")
	release, err := config.Lock(strings.TrimSuffix(path, ".json") + ".lock")
	if errors.Is(err, config.ErrLocked) {
		return nil, failf(codeConflict, "another process watches the same and runs the same program").withHint("stop the other one first")
	}
	if err != nil {
		return nil, localFailure("keep what is to be told", err)
	}
	memory, err := a.readMemory(path)
	if err != nil {
		release()
		return nil, localFailure("read what is to be told", err)
	}
	n := &notifier{Notifier: a.notifying(o.command, path), memory: memory, release: release}
	n.Start(memory)
	return n, nil
}

// notifying returns what runs a program for each change, and keeps in a file what is left to tell.
func (a *App) notifying(program []string, path string) *health.Notifier {
	command := health.Command{Args: program, Environ: config.WithoutSecrets(a.environ), Output: said{a}}
	return &health.Notifier{
		Send: command.Run,
		Save: func(m health.WatchState) error {
			raw, err := json.Marshal(memoryFile{memoryVersion, m})
			if err != nil {
				return err
			}
			return config.WriteFile(path, raw)
		},
		Failed: func(t health.Transition, err error) {
			switch {
			case t.ID == 0:
				a.warn("what is to be told cannot be kept, and would be lost at a restart: %v", err)
			case errors.Is(err, health.ErrGivenUp):
				a.warn("nobody was told of %s: %v", t, err)
			default:
				a.warn("nobody was told of %s: %v; trying again", t, err)
			}
		},
	}
}

// readMemory reads what an earlier process left. A file that makes no sense is put aside: the watch then begins as
// if it were the first, and tells of everything that is not well.
func (a *App) readMemory(path string) (health.WatchState, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return health.WatchState{}, nil
	}
	if err != nil {
		return health.WatchState{}, err
	}
	var kept memoryFile
	if err := json.Unmarshal(raw, &kept); err == nil && kept.Version == memoryVersion {
		return kept.WatchState, nil
	}
	aside := path + ".old"
	if err := os.Rename(path, aside); err != nil {
		return health.WatchState{}, err
	}
	a.warn("what an earlier watch left is not understood, and was put aside as %s; what is not well is told anew", aside)
	return health.WatchState{}, nil
}

func (n *notifier) add(transitions []health.Transition, known map[health.SubscriptionKey]health.Seen) {
	if n.Notifier != nil {
		n.Add(transitions, known)
	}
}

// run tells until the context ends. What it returns is closed once nothing is being told any more.
func (n *notifier) run(ctx context.Context) (ended <-chan struct{}) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if n.Notifier != nil {
			n.Run(ctx)
		}
	}()
	return done
}

// flushTime is how long the end of a watch waits for a program that fails.
const flushTime = 40 * time.Second

// flush waits until everything was told.
func (n *notifier) flush(ctx context.Context) error {
	if n.Notifier == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, flushTime)
	defer cancel()
	n.Flush(ctx)
	if left := n.Pending(); left > 0 {
		return failf(codePartial, "what was waited for came, but --exec took no note of %d changes", left).
			withHint("the next watch with the same arguments tells of them")
	}
	return nil
}

func (n *notifier) close() { n.release() }

// said prints what a program said.
type said struct{ app *App }

func (s said) Write(p []byte) (int, error) {
	s.app.note("%s", strings.TrimRight(string(p), "\n"))
	return len(p), nil
}
