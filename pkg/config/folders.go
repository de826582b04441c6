package config

import (
	"errors"
	"path/filepath"
	"runtime"
)

// ErrNoHome means that no home folder is set.
var ErrNoHome = errors.New("no home folder: set HOME, or XDG_CONFIG_HOME, XDG_STATE_HOME and XDG_CACHE_HOME")

// Folders are the folders of the program's files. They are created on the first write.
type Folders struct {
	Config string // settings and profiles
	State  string // sandbox, journal, and state of commands
	Cache  string // data that can be fetched again; no secrets
	Home   string // empty if not set
}

// Journal returns the folder of the journal: the given one, or the default if it is empty.
func (f Folders) Journal(given string) string {
	if given != "" {
		return given
	}
	return filepath.Join(f.State, "journal")
}

// NewFolders returns the XDG base directories that are set, and the defaults of the system for the others. It ignores a
// relative XDG path, as the specification requires.
func NewFolders(lookup Lookup) (Folders, error) {
	home, _ := lookup("HOME")
	roaming, local := home, home
	if runtime.GOOS == "windows" {
		roaming, _ = lookup("APPDATA")
		local, _ = lookup("LOCALAPPDATA")
	}
	defaults := [3]string{filepath.Join(home, ".config"), filepath.Join(home, ".local", "state"), filepath.Join(home, ".cache")}
	switch runtime.GOOS {
	case "windows":
		defaults = [3]string{roaming, local, filepath.Join(local, "cache")}
	case "darwin":
		support := filepath.Join(home, "Library", "Application Support")
		defaults = [3]string{support, support, filepath.Join(home, "Library", "Caches")}
	}
	for i, name := range []string{"XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"} {
		if path, _ := lookup(name); filepath.IsAbs(path) {
			defaults[i] = path
		}
		if !filepath.IsAbs(defaults[i]) {
			return Folders{}, ErrNoHome
		}
		defaults[i] = filepath.Join(defaults[i], "tlxhook")
	}
	return Folders{defaults[0], defaults[1], defaults[2], home}, nil
}
