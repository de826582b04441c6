package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func newSubscriptionDisable(app *App) *cobra.Command {
	o := &switchOptions{}
	cmd := &cobra.Command{
		Use:   "disable [ID...]",
		Short: "Switch subscriptions off",
		Long: `Switch subscriptions off. What Tripletex has switched off already is left as it
is, so that its status still says why.
` + selectionHelp + "\n" + fleetHelp,
		Example: `  tlxhook subscription disable 4711 4712
  tlxhook subscription disable --target old.example.no`,
		ValidArgsFunction: app.complete.subscriptions,
		RunE: app.run(func(ctx context.Context, args []string) error {
			return subscriptionSwitch(ctx, app, o, args, tripletex.Disabled, "disabled")
		}),
	}
	o.bind(cmd)
	return cmd
}
