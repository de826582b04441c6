package cli

import (
	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/sandbox"
)

func newSandbox(app *App) *cobra.Command {
	return group("sandbox", "A local Tripletex to try things on", nil,
		newSandboxServe(app), newSandboxEmit(app), newSandboxFault(app), newSandboxReset(app))
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
