package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// switchOptions are the flags of subscription enable and disable.
type switchOptions struct {
	selection selection
	dryRun    bool
	probe     bool
}

func newSubscriptionEnable(app *App) *cobra.Command {
	o := &switchOptions{}
	cmd := &cobra.Command{
		Use:   "enable [ID...]",
		Short: "Switch subscriptions on again",
		Long: `Switch subscriptions on again. What is active already is left alone. Events of
the time in between do not come back: sync what they were about.
` + selectionHelp,
		Example: `  tlxhook subscription enable 4711
  tlxhook subscription enable --status 'DISABLED_*' --probe
  tlxhook subscription enable --all --dry-run`,
		RunE: app.run(func(ctx context.Context, args []string) error {
			return subscriptionSwitch(ctx, app, o, args, tripletex.Active, "enabled")
		}),
	}
	o.bind(app, cmd)
	cmd.Flags().BoolVar(&o.probe, "probe", false, "first ask whether the targets answer, and refuse if one does not")
	return cmd
}

func (o *switchOptions) bind(app *App, cmd *cobra.Command) {
	o.selection.bind(app, cmd, true)
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "print what would be sent, and send nothing")
}

// subscriptionSwitch sets the status of the chosen subscriptions that do not have it.
func subscriptionSwitch(ctx context.Context, app *App, o *switchOptions, args []string, status tripletex.Status, verb string) error {
	if err := o.selection.read(args, true); err != nil {
		return err
	}
	client, sent, err := app.clientAndSent(ctx)
	if err != nil {
		return err
	}
	found, err := o.selection.findSome(ctx, client)
	if err != nil {
		return err
	}
	var updates []tripletex.SubscriptionUpdate
	for _, s := range found {
		if s.Status == status || status == tripletex.Disabled && s.Status != tripletex.Active {
			continue
		}
		if o.probe {
			if err := health.Probe(ctx, s.TargetURL); err != nil {
				return unreachable(s, app.target(s.TargetURL), err)
			}
		}
		updates = append(updates, tripletex.SubscriptionUpdate{ID: s.ID, Version: s.Version, Status: status})
	}
	if left := len(found) - len(updates); left > 0 {
		app.note("%s left alone: %s already", subscriptions(left), verb)
	}
	if o.dryRun {
		return app.printPlan(ctx, updates)
	}
	return app.update(ctx, client, sent, updates, verb)
}

// unreachable says which target does not answer, and why.
func unreachable(s tripletex.Subscription, target string, err error) error {
	f := &failure{exitUnavailable, "target_unreachable", err, ""}
	return f.withHint("nothing was enabled; subscription %d delivers to %s", s.ID, target)
}
