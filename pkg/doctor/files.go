package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

const (
	// lockTimeout bounds how long another process may hold a lock, which it does only while writing one file.
	lockTimeout  = 2 * time.Second
	lockInterval = 100 * time.Millisecond
)

// inFolders returns a check of the folders of the program.
func (i *Installation) inFolders(check func(context.Context, config.Folders) Finding) func(context.Context) Finding {
	return func(ctx context.Context) Finding {
		folders, err := config.NewFolders(i.Lookup)
		if err != nil {
			return i.failed(err)
		}
		return check(ctx, folders)
	}
}

// checkFolders checks that the folders can be written, and only by their owner.
func (i *Installation) checkFolders(_ context.Context, folders config.Folders) Finding {
	all := []string{folders.Config, folders.State, folders.Cache}
	for _, folder := range all {
		if f := checkFolder(folder); f.State != OK {
			return f
		}
	}
	return pass(strings.Join(all, ", "))
}

// checkFolder checks one folder. One that does not exist yet is OK.
func checkFolder(folder string) Finding {
	info, err := os.Stat(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return pass(folder)
	case err != nil:
		return fail(err.Error(), "make the folder readable")
	case !info.IsDir():
		return fail(folder+" is not a folder", "move that file away")
	case config.CheckTrusted(folder, info) != nil:
		return fail(folder+" can be changed by others", "chmod 700 "+folder)
	}
	file, err := os.CreateTemp(folder, ".doctor")
	if err != nil {
		return fail(err.Error(),
			"make the folder writable, or name another one with XDG_CONFIG_HOME, XDG_STATE_HOME, XDG_CACHE_HOME")
	}
	_, _ = file.Close(), os.Remove(file.Name()) // creating it was the check
	return pass(folder)
}

// checkLocks finds locks that another program does not release.
func (i *Installation) checkLocks(ctx context.Context, folders config.Folders) Finding {
	held, _ := filepath.Glob(filepath.Join(folders.State, "*.json.lock")) // the pattern is valid
	held = append(held, filepath.Join(folders.Config, "credentials.json.lock"))
	ctx, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	for {
		held = slices.DeleteFunc(held, isFree)
		if len(held) == 0 {
			return pass("no locks held")
		}
		if wait.For(ctx, lockInterval) != nil {
			return fail(strings.Join(held, ", ")+" is held by another process",
				"end the tlxhook that hangs; fuser -v "+held[0]+" names it")
		}
	}
}

func isFree(path string) bool {
	locked, err := config.IsLocked(path)
	return err == nil && !locked
}

// checkDisk checks the free space for the state and the journal.
func (i *Installation) checkDisk(_ context.Context, folders config.Folders) Finding {
	var disks []disk
	for _, folder := range []string{folders.State, folders.Journal(i.Journal)} {
		folder = nearestFolder(folder)
		free, total, err := journal.Space(folder)
		if err != nil {
			return fail(fmt.Sprintf("%s: %v", folder, err), "make the folder readable")
		}
		disks = append(disks, disk{Folder: folder, Free: free, Total: total})
	}
	return checkSpace(disks)
}

// nearestFolder returns the folder, or its nearest parent that exists.
func nearestFolder(folder string) string {
	for {
		above := filepath.Dir(folder)
		if info, err := os.Stat(folder); err == nil && info.IsDir() || above == folder {
			return folder
		}
		folder = above
	}
}

// checkJournal inspects the journal without changing it.
func (i *Installation) checkJournal(_ context.Context, folders config.Folders) Finding {
	folder := folders.Journal(i.Journal)
	o, err := journal.Inspect(folder)
	switch {
	case errors.Is(err, journal.ErrAbsent) && i.Journal == "":
		return skip("not created yet; tlxhook listen creates it")
	case err != nil:
		return i.failed(err)
	}
	return describeJournal(folder, o, time.Now(), i.Flags.Journal)
}
