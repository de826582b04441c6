package config

import (
	"errors"
	"path/filepath"
	"runtime"
)

// Folders are where the program keeps things. None is made before something is written.
type Folders struct {
	Config string // settings and profiles
	State  string // what the sandbox remembers; later, what was received
	Cache  string // what can be asked for again; nothing secret
}

// Journal returns the folder of the journal: the given one, or the default where that is empty.
func (f Folders) Journal(given string) string {
	if given != "" {
		return given
	}
	return filepath.Join(f.State, "journal")
}

// NewFolders follows the XDG base directories where they are set, and the habit of the system elsewhere.
// A relative XDG path is ignored, as the specification wants.
func NewFolders(lookup Lookup) (Folders, error) {
	home, _ := lookup("HOME")
	roaming, local := home, home
	if runtime.GOOS == "windows" {
		roaming, _ = lookup("AppData")
		local, _ = lookup("LocalAppData")
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
			return Folders{}, errors.New("there is no home folder: set HOME, or XDG_CONFIG_HOME, XDG_STATE_HOME and XDG_CACHE_HOME")
		}
		defaults[i] = filepath.Join(defaults[i], "tlxhook")
	}
	return Folders{defaults[0], defaults[1], defaults[2]}, nil
}
