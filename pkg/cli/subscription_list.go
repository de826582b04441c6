package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/cache"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// listOptions are the flags of subscription list.
type listOptions struct {
	selection selection
	fleet     fleetFlags
}

func newSubscriptionList(app *App) *cobra.Command {
	o := &listOptions{}
	cmd := &cobra.Command{
		Use:     "list [ID...]",
		Aliases: []string{"ls"},
		Short:   "List subscriptions",
		Long: `List subscriptions with their status.
` + selectionHelp + "\n" + fleetHelp,
		Example: `  tlxhook subscription list
  tlxhook subscription list --status 'DISABLED*'
  tlxhook subscription list --event 'order.*' -o json
  tlxhook subscription list --all-companies --status 'DISABLED_*'`,
		RunE: app.run(func(ctx context.Context, args []string) error { return subscriptionList(ctx, app, o, args) }),
	}
	o.selection.bind(cmd, false)
	cmd.ValidArgsFunction = app.complete.subscriptions
	o.fleet.bind(cmd)
	return cmd
}

func subscriptionList(ctx context.Context, app *App, o *listOptions, args []string) error {
	if err := o.selection.read(args, false, o.fleet.Many()); err != nil {
		return err
	}
	run, err := o.fleet.selectAccounts(ctx, app)
	if err != nil {
		return err
	}
	rows := &subscriptionRows{console: &app.console, many: run.Many}
	duplicates := 0
	failed, err := inAccounts(ctx, run, o.selection.find, func(m fleet.Account, found []tripletex.Subscription) error {
		duplicates += len(match.Duplicates(found))
		return rows.add(ctx, m, found)
	})
	if err == nil {
		err = run.End(failed, run.Count(), len(failed) == run.Count())
	}
	switch {
	case err != nil && len(rows.all) == 0:
		return err
	case len(rows.all) == 0 && app.printer.IsTable():
		app.note("%s", nothingListed(app.given, o.selection.filter.Empty()))
		return nil
	}
	if printErr := rows.show(ctx); printErr != nil {
		return printErr
	}
	if o.selection.filter.Empty() && !rows.many {
		cache.Store(cachePath(app.logins(), cachedSubscriptions), app.redactor.RedactResult, cacheable(rows.subscriptions()))
	}
	if duplicates > 0 {
		app.note("warning: %s (same event and target); list with %s",
			terminal.Count(duplicates, "duplicate"), app.given.line("check"))
	}
	if rows.broken > 0 && app.printer.IsTable() {
		app.note("%s not active; enable with %s",
			terminal.Count(rows.broken, "subscription"), app.given.line("subscription", "enable", "--status", "DISABLED*"))
	}
	return err
}

// nothingListed returns the note for an empty list.
func nothingListed(run runFlags, all bool) string {
	if all {
		return "No subscriptions; create one with " + run.line("subscription", "create")
	}
	return "No subscription matches the filter"
}
