package cli

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/journal"
)

// bindJournal adds the flag that says where the journal is.
func bindJournal(cmd *cobra.Command, folder *string) {
	cmd.Flags().StringVar(folder, "journal", "", "the folder `DIR` of the journal (default below the state folder)")
	complete(cmd, "journal", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveFilterDirs
	})
}

// journalFolder returns the folder that was named, or else the usual one.
func (a *App) journalFolder(named string) (string, error) {
	if named != "" {
		return named, nil
	}
	folders, err := config.NewFolders(a.lookup)
	if err != nil {
		return "", err
	}
	return filepath.Join(folders.State, "journal"), nil
}

// attach opens the journal beside a listen that may be using it.
func (a *App) attach(folder string) (*journal.Journal, error) {
	folder, err := a.journalFolder(folder)
	if err != nil {
		return nil, err
	}
	return journal.Attach(folder)
}

// describeJournal decides the exit code and the hint of an error of the journal; nil where it is of something else.
func describeJournal(err error) *failure {
	return describeKnown(err, []knownCause{
		{journal.ErrLocked, exitConflict, "conflict", "one listen can use a journal; stop the other one, or name another folder with --journal"},
		{journal.ErrAbsent, exitNotFound, "not_found", "tlxhook listen makes one; --journal names another folder"},
		{journal.ErrNotFound, exitNotFound, "not_found", "tlxhook delivery list shows what there is"},
		{journal.ErrVersion, exitLocal, "local_io", "use that version, or name another folder with --journal"},
		{journal.ErrDamaged, exitLocal, "local_io", "it is left as it is; copy its folder away, and save what can be read with sqlite3 journal.db .dump"},
		{journal.ErrUnsafe, exitLocal, "local_io", "name a folder of your own with --journal"},
		{journal.ErrSpace, exitLocal, "local_io", "make room, or see tlxhook delivery purge"},
		{journal.ErrUnavailable, exitLocal, "local_io", ""},
		{journal.ErrClosed, exitLocal, "local_io", ""},
		{journal.ErrUnusable, exitLocal, "local_io", ""},
	})
}
