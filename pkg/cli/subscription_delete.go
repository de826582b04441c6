package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/bulk"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// deleteOptions are the flags of subscription delete.
type deleteOptions struct {
	selection selection
	fleet     fleetFlags
	dryRun    bool
	yes       bool
}

func newSubscriptionDelete(app *App) *cobra.Command {
	o := &deleteOptions{}
	cmd := &cobra.Command{
		Use:     "delete [ID...]",
		Aliases: []string{"rm"},
		Short:   "Delete subscriptions",
		Long: `Delete subscriptions, after asking. Where there is no terminal to ask at,
--yes is needed. What was deleted is printed.
` + selectionHelp + "\n" + fleetHelp,
		Example: `  tlxhook subscription delete 4711
  tlxhook subscription delete --target old.example.no --yes`,
		RunE: app.runUnlimited(func(ctx context.Context, args []string) error { return subscriptionDelete(ctx, app, o, args) }),
	}
	o.selection.bind(cmd, true)
	cmd.ValidArgsFunction = app.complete.subscriptions
	o.fleet.bind(cmd)
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "print what would be sent, and send nothing")
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	return cmd
}

func subscriptionDelete(ctx context.Context, app *App, o *deleteOptions, args []string) error {
	if err := o.selection.read(args, true, o.fleet.Many()); err != nil {
		return err
	}
	if !o.yes && !o.dryRun && !app.terminal.IsInteractive() {
		return usageFailure("deleting needs --yes where nobody can be asked")
	}
	d, err := o.look(ctx, app)
	if err != nil {
		return err
	}
	if !o.yes && !o.dryRun && len(d.rows.all) > 0 {
		sure, err := app.terminal.Confirm(ctx, d.question())
		if err != nil {
			return err
		}
		if !sure {
			return failf(codeDeclined, "nothing was deleted")
		}
	}
	ctx, cancel := app.limited(ctx)
	defer cancel()
	return newChange(app, d.run, "deleted", o.dryRun).do(ctx, func(ctx context.Context, m fleet.Account) (companyChange, error) {
		return deleteFound(ctx, m.Client, d.found[m.Client], o.dryRun)
	})
}

// deletion is what is to be deleted, and where.
type deletion struct {
	run   *fleetRun
	found map[*tripletex.Client][]tripletex.Subscription
	rows  subscriptionRows // to show to the person
}

// look finds what is to be deleted, within a limit of time of its own: the person may think for longer.
func (o *deleteOptions) look(ctx context.Context, app *App) (*deletion, error) {
	ctx, cancel := app.limited(ctx)
	defer cancel()
	run, err := o.fleet.selectAccounts(ctx, app)
	if err != nil {
		return nil, err
	}
	d := &deletion{run: run, found: map[*tripletex.Client][]tripletex.Subscription{}, rows: subscriptionRows{console: &app.console}}
	failed, err := inAccounts(ctx, run, o.selection.findIn, func(m fleet.Account, found []tripletex.Subscription) error {
		d.found[m.Client] = found
		return d.rows.add(ctx, m, found)
	})
	if err == nil && !run.Many && len(failed) > 0 {
		err = failed[0].Err
	}
	run.Members = slices.DeleteFunc(run.Members, func(m fleet.Account) bool {
		return slices.ContainsFunc(failed, func(f fleet.Failure) bool { return f.Account == m })
	})
	run.Failed = failed
	return d, err
}

// question shows what would be deleted, and asks.
func (d *deletion) question() string {
	const most = 10
	all := d.rows.all
	var text strings.Builder
	for _, s := range all[:min(most, len(all))] {
		fmt.Fprintf(&text, "  %d %s to %s", s.ID, s.Event, s.TargetURL)
		if d.run.Many {
			fmt.Fprintf(&text, " of %s", s.Label())
		}
		text.WriteByte('\n')
	}
	if more := len(all) - most; more > 0 {
		fmt.Fprintf(&text, "  and %d more\n", more)
	}
	of := map[fleet.Company]bool{}
	for _, s := range all {
		of[s.Company] = true
	}
	in := " in " + fleet.Companies(len(of))
	if !d.run.Many {
		in = where(d.run.Members[0])
	}
	fmt.Fprintf(&text, "Delete %s%s?", subscriptions(len(all)), in)
	return text.String()
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
