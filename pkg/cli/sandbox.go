package cli

import (
	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/sandbox"
)

func newSandbox(app *App) *cobra.Command {
	return group("sandbox", "Run a local Tripletex for tests", nil,
		newSandboxServe(app), newSandboxEmit(app), newSandboxFault(app), newSandboxReset(app), newSandboxCalibrate(app))
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
