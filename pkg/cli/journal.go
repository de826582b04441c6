package cli

import (
	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/journal"
)

// bindJournal adds the flag that says where the journal is.
func bindJournal(cmd *cobra.Command, folder *string) {
	cmd.Flags().StringVar(folder, "journal", "", "the folder `DIR` of the journal (default below the state folder)")
}

// journalFolder returns the folder that was named, or else the usual one.
func (a *App) journalFolder(named string) (string, error) {
	folders, err := config.NewFolders(a.lookup)
	if err != nil && named == "" {
		return "", err
	}
	return folders.Journal(named), nil
}

// attach opens the journal beside a listen that may be using it.
func (a *App) attach(folder string) (*journal.Journal, error) {
	folder, err := a.journalFolder(folder)
	if err != nil {
		return nil, err
	}
	return journal.Attach(folder)
}
