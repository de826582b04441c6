package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/doctor"
	"github.com/tlxhook/tlxhook/pkg/journal"
)

// The checks of doctor that look at files.

// folders tells whether files can be kept, and kept from others.
func (s *setup) folders(context.Context) doctor.Finding {
	folders, err := config.NewFolders(s.app.lookup)
	if err != nil {
		return s.bad(localFailure("find the folders", err))
	}
	for _, folder := range []string{folders.Config, folders.State, folders.Cache} {
		if f, ok := badFolder(folder); !ok {
			return f
		}
	}
	return doctor.Good(strings.Join([]string{folders.Config, folders.State, folders.Cache}, ", "))
}

// badFolder tells whether a folder can be used. One that is not there yet can.
func badFolder(folder string) (doctor.Finding, bool) {
	info, err := os.Stat(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return doctor.Finding{}, true
	case err != nil:
		return doctor.Bad(err.Error(), "make the folder readable"), false
	case !info.IsDir():
		return doctor.Bad(folder+" is not a folder", "move that file away"), false
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o022 != 0:
		return doctor.Bad(folder+" can be changed by others", "chmod 700 "+folder), false
	}
	file, err := os.CreateTemp(folder, ".doctor")
	if err != nil {
		return doctor.Bad(err.Error(), "make the folder writable, or name another one with XDG_CONFIG_HOME, XDG_STATE_HOME, XDG_CACHE_HOME"), false
	}
	_, _ = file.Close(), os.Remove(file.Name()) // it was only to see whether it can be made
	return doctor.Finding{}, true
}

// lockPatience is how long another program may hold a lock: each does so only while it writes one file.
const lockPatience = 2 * time.Second

// locks tells whether a program that hangs keeps others from writing what they remember.
func (s *setup) locks(ctx context.Context) doctor.Finding {
	folders, err := config.NewFolders(s.app.lookup)
	if err != nil {
		return s.bad(localFailure("find the folders", err))
	}
	held, _ := filepath.Glob(filepath.Join(folders.State, "*.json.lock")) // the pattern is a good one
	held = append(held, filepath.Join(folders.Config, "credentials.json.lock"))
	patience, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	for {
		held = slices.DeleteFunc(held, func(path string) bool {
			locked, err := config.IsLocked(path)
			return err == nil && !locked
		})
		if len(held) == 0 {
			return doctor.Good("nobody holds one")
		}
		select {
		case <-patience.Done():
			return doctor.Bad(strings.Join(held, ", ")+" is held by another program", "end the tlxhook that hangs; fuser -v "+held[0]+" names it")
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// disk tells whether there is room for what is received and remembered.
func (s *setup) disk(context.Context) doctor.Finding {
	folders, err := config.NewFolders(s.app.lookup)
	if err != nil {
		return s.bad(localFailure("find the folders", err))
	}
	received, err := s.app.journalFolder(s.options.journal)
	if err != nil {
		return s.bad(err)
	}
	var disks []doctor.Disk
	for _, folder := range []string{folders.State, received} {
		folder = nearestFolder(folder)
		free, total, err := journal.Space(folder)
		if err != nil {
			return doctor.Bad(fmt.Sprintf("%s: %v", folder, err), "make the folder readable")
		}
		disks = append(disks, doctor.Disk{Folder: folder, Free: free, Total: total})
	}
	return doctor.Disks(disks)
}

// nearestFolder returns a folder, or the one above it in which it would be made.
func nearestFolder(folder string) string {
	for {
		above := filepath.Dir(folder)
		if info, err := os.Stat(folder); err == nil && info.IsDir() || above == folder {
			return folder
		}
		folder = above
	}
}

// journal looks at what listen has stored.
func (s *setup) journal(context.Context) doctor.Finding {
	folder, err := s.app.journalFolder(s.options.journal)
	if err != nil {
		return s.bad(err)
	}
	o, err := journal.Inspect(folder)
	switch {
	case errors.Is(err, journal.ErrAbsent) && s.options.journal == "":
		return doctor.NotAsked("there is none yet; tlxhook listen makes it")
	case err != nil:
		return s.bad(err)
	}
	again := ""
	if s.options.journal != "" {
		again = " --journal " + quoted(s.options.journal)
	}
	return doctor.Journal(folder, o, time.Now(), again)
}

// readProfiles tells whether the profiles can be read, and the private file in which tokens may rest.
func (s *setup) readProfiles(context.Context) doctor.Finding {
	folders, profiles, err := s.app.profiles()
	if err != nil {
		f := s.bad(err)
		f.Repair = "move the file away, and log in again with tlxhook auth login"
		return f
	}
	s.profiles = profiles
	if _, err := s.app.store(fileStore, folders).Get("doctor", credentials.Session); err != nil && !errors.Is(err, credentials.ErrNotFound) {
		f := s.bad(err)
		f.Repair = "see to it that only you can read it, or log in again"
		return f
	}
	current := "none of them is the current one"
	switch {
	case profiles.Current != "" && profiles.Current != config.SandboxProfile && profiles.Find(profiles.Current) == nil:
		return doctor.Weak(fmt.Sprintf("the current one is to be %q, which is not there", profiles.Current), "tlxhook auth switch NAME chooses another one; tlxhook auth list shows them")
	case len(profiles.All) == 0:
		return doctor.Good("there are none yet")
	case profiles.Current != "":
		current = profiles.Current + " is the current one"
	}
	return doctor.Good(fmt.Sprintf("%d, and %s", len(profiles.All), current))
}

// keyring tells whether the keyring answers, where it is needed.
func (s *setup) keyring(context.Context) doctor.Finding {
	used := slices.ContainsFunc(s.profiles.All, func(p config.Profile) bool { return p.Store == keyringStore })
	if !used && len(s.profiles.All) > 0 {
		return doctor.NotAsked("no profile uses it")
	}
	_, err := (&credentials.Keyring{Lookup: s.app.lookup}).Get("doctor", credentials.Session)
	switch {
	case err == nil, errors.Is(err, credentials.ErrNotFound):
		return doctor.Good("it answers")
	case used:
		return s.bad(err)
	}
	f := s.bad(err)
	return doctor.Weak(f.Text, f.Repair) // nothing depends on it yet
}
