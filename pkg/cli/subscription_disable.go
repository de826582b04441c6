package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func newSubscriptionDisable(app *App) *cobra.Command {
	o := &switchOptions{}
	cmd := &cobra.Command{
		Use:     "disable [ID...]",
		Aliases: []string{"pause"},
		Short:   "Disable subscriptions",
		Long: `Disable subscriptions. Those that Tripletex has disabled keep their status,
which names the reason. More than one subscription needs a confirmation, or
--yes without a terminal.
` + selectionHelp + "\n" + fleetHelp,
		Example: `  tlxhook subscription disable 4711 4712
  tlxhook subscription disable --target old.example.no`,
		ValidArgsFunction: app.complete.subscriptions,
		RunE: app.runUnlimited(func(ctx context.Context, args []string) error {
			return subscriptionSwitch(ctx, app, o, args, tripletex.Disabled, verb{prompt: "Disable", past: "disabled"})
		}),
	}
	o.bind(cmd)
	return cmd
}
