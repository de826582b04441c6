package health

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/config"
)

// ErrWatched means that another process uses the same state file.
var ErrWatched = errors.New("another process watches the same and runs the same program")

// stateVersion is the version of the state file. A file of another version is set aside.
const stateVersion = 1

type stateFile struct {
	Version int `json:"version"`
	WatchState
}

// OpenNotifier returns a notifier that runs a command for each transition and keeps its state in a file, whose name
// ends in .json. It continues where an earlier process stopped. Until [Notifier.Close] no other process can open the
// file: the error is [ErrWatched] then.
func OpenNotifier(path string, command Command, warn func(format string, args ...any)) (*Notifier, error) {
	release, err := config.Lock(strings.TrimSuffix(path, ".json") + ".lock")
	if errors.Is(err, config.ErrLocked) {
		return nil, ErrWatched
	}
	if err != nil {
		return nil, fmt.Errorf("keep what is to be told: %w", err)
	}
	state, err := readState(path, warn)
	if err != nil {
		release()
		return nil, fmt.Errorf("read what is to be told: %w", err)
	}
	n := &Notifier{
		Send:    command.Run,
		Save:    func(s WatchState) error { return writeState(path, s) },
		Failed:  func(t Transition, err error) { warnOfFailure(warn, t, err) },
		release: release,
	}
	n.Start(state)
	return n, nil
}

func warnOfFailure(warn func(format string, args ...any), t Transition, err error) {
	switch {
	case t.ID == 0:
		warn("what is to be told cannot be kept, and would be lost at a restart: %v", err)
	case errors.Is(err, ErrGivenUp):
		warn("nobody was told of %s: %v", t, err)
	default:
		warn("nobody was told of %s: %v; trying again", t, err)
	}
}

func writeState(path string, s WatchState) error {
	raw, err := json.Marshal(stateFile{stateVersion, s})
	if err != nil {
		return err
	}
	return config.WriteFile(path, raw)
}

// readState reads the state of an earlier process. A file that cannot be parsed is set aside; the watch then begins as
// if it were the first.
func readState(path string, warn func(format string, args ...any)) (WatchState, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return WatchState{}, nil
	}
	if err != nil {
		return WatchState{}, err
	}
	var file stateFile
	if err := json.Unmarshal(raw, &file); err == nil && file.Version == stateVersion {
		return file.WatchState, nil
	}
	aside := path + ".old"
	if err := os.Rename(path, aside); err != nil {
		return WatchState{}, err
	}
	warn("what an earlier watch left is not understood, and was put aside as %s; what is not well is told anew", aside)
	return WatchState{}, nil
}
