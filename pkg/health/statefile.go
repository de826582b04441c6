package health

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/config"
)

// ErrWatched means that another process uses the same state file.
var ErrWatched = errors.New("another watch with the same subscriptions and --exec command is running")

// stateVersion is the version of the state file. A file of another version is renamed.
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
		return nil, fmt.Errorf("lock watch state: %w", err)
	}
	state, err := readState(path, warn)
	if err != nil {
		release()
		return nil, fmt.Errorf("read watch state: %w", err)
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
		warn("watch state not saved, pending notifications are lost on a restart: %v", err)
	case errors.Is(err, ErrDropped):
		warn("notification dropped: %s: %v", t, err)
	default:
		warn("notification failed, retrying: %s: %v", t, err)
	}
}

func writeState(path string, s WatchState) error {
	raw, err := json.Marshal(stateFile{stateVersion, s})
	if err != nil {
		return err
	}
	return config.WriteFile(path, raw)
}

// readState reads the state of an earlier process. A file that cannot be parsed is renamed, and the watch starts without
// a state.
func readState(path string, warn func(format string, args ...any)) (WatchState, error) {
	raw, err := config.ReadFile(path)
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
	if err := config.Rename(path, aside); err != nil {
		return WatchState{}, err
	}
	warn("unreadable watch state renamed to %s; current issues are reported again", aside)
	return WatchState{}, nil
}
