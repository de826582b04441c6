package cli

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
)

func newSandbox(app *App) *cobra.Command {
	return group("sandbox", "A local Tripletex to try things on", nil,
		newSandboxServe(app), newSandboxEmit(app), newSandboxFault(app), newSandboxReset(app))
}

// sandboxFolder returns where the sandbox keeps its state.
func (a *App) sandboxFolder() (string, error) {
	folders, err := config.NewFolders(a.lookup)
	if err != nil {
		return "", err
	}
	return filepath.Join(folders.State, "sandbox"), nil
}

// sandboxSessions keeps the session of the profile sandbox, in a file: it is no secret.
func sandboxSessions(folder string) credentials.Store {
	return credentials.File{Path: filepath.Join(folder, "session.json"), Write: config.WriteFile}
}

// setSwitches reads "name=value" texts.
func setSwitches(texts []string) (sandbox.Switches, error) {
	switches := sandbox.Switches{}
	for _, text := range texts {
		if err := switches.Set(text); err != nil {
			return nil, usageFailure("%w", err)
		}
	}
	return switches, nil
}

func completeSwitches(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var texts []cobra.Completion
	for _, s := range sandbox.AllSwitches() {
		for _, value := range s.Values {
			texts = append(texts, cobra.CompletionWithDesc(s.Name+"="+value, s.About))
		}
	}
	return texts, cobra.ShellCompDirectiveNoFileComp
}
