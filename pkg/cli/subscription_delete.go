package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/bulk"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func newSubscriptionDelete(app *App) *cobra.Command {
	o := &changeOptions{}
	cmd := &cobra.Command{
		Use:     "delete [ID...]",
		Aliases: []string{"rm", "remove"},
		Short:   "Delete subscriptions",
		Long: `Delete subscriptions and print them as they were. The command asks for
confirmation; without a terminal it needs --yes.
` + selectionHelp + "\n" + fleetHelp,
		Example: `  tlxhook subscription delete 4711
  tlxhook subscription delete --target old.example.no --yes`,
		RunE: app.runUnlimited(func(ctx context.Context, args []string) error { return subscriptionDelete(ctx, app, o, args) }),
	}
	o.selection.bind(cmd, true)
	cmd.ValidArgsFunction = app.complete.subscriptions
	o.bindRun(cmd)
	return cmd
}

func subscriptionDelete(ctx context.Context, app *App, o *changeOptions, args []string) error {
	if err := o.selection.read(args, true, o.fleet.Many()); err != nil {
		return err
	}
	v := verb{prompt: "Delete", past: "deleted", always: true}
	run, found, err := o.choose(ctx, app, v, o.selection.find)
	if err != nil {
		return err
	}
	ctx, cancel := app.limited(ctx)
	defer cancel()
	return newChange(app, run, v.past, o.dryRun).do(ctx, func(ctx context.Context, m fleet.Account) (companyChange, error) {
		all, err := found(ctx, m)
		if err != nil {
			return companyChange{}, err
		}
		return deleteFound(ctx, m.Client, all, o.dryRun)
	})
}

// deleteFound deletes subscriptions of one company, or plans it.
func deleteFound(ctx context.Context, client *tripletex.Client, found []tripletex.Subscription, dryRun bool) (companyChange, error) {
	c := companyChange{found: len(found)}
	if dryRun {
		c.plan = bulk.DeleteRequests(found)
		return c, nil
	}
	done, err := bulk.Delete(ctx, client, found)
	c.done = found[:done]
	return c, partly(err, done, len(found))
}
