package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/backfill"
	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// switchOptions are the flags of subscription enable and disable.
type switchOptions struct {
	changeOptions
	probe    bool
	disabled bool
}

func newSubscriptionEnable(app *App) *cobra.Command {
	o := &switchOptions{}
	cmd := &cobra.Command{
		Use:     "enable [ID...]",
		Aliases: []string{"resume"},
		Short:   "Enable subscriptions",
		Long: `Enable subscriptions. Active ones are skipped.

Tripletex does not repeat the events of the time in between. The command prints
the period in which events may have been missed, and the backfill commands that
recover them. Tripletex disables a subscription after a week of failed
deliveries.
` + selectionHelp + "\n" + fleetHelp,
		Example: `  tlxhook subscription enable 4711
  tlxhook subscription enable --status 'DISABLED_*' --probe
  tlxhook subscription enable --all-disabled --all-companies --probe`,
		ValidArgsFunction: app.complete.subscriptions,
		RunE: app.runUnlimited(func(ctx context.Context, args []string) error {
			return subscriptionSwitch(ctx, app, o, args, tripletex.Active, verb{prompt: "Enable", past: "enabled", harmless: true})
		}),
	}
	o.bind(cmd)
	cmd.Flags().BoolVar(&o.disabled, "all-disabled", false, "select all subscriptions that Tripletex has disabled")
	cmd.Flags().BoolVar(&o.probe, "probe", false, "send a HEAD request to each target first; enable none if one fails")
	return cmd
}

func (o *switchOptions) bind(cmd *cobra.Command) {
	o.selection.bind(cmd, true)
	o.bindRun(cmd)
}

// subscriptionSwitch sets the status of the selected subscriptions that do not have it.
func subscriptionSwitch(ctx context.Context, app *App, o *switchOptions, args []string, status tripletex.Status, v verb) error {
	if o.disabled {
		if len(o.selection.filter.Statuses) > 0 {
			return usageFailure("--all-disabled cannot be combined with --status")
		}
		o.selection.filter.Statuses = append(o.selection.filter.Statuses, "DISABLED_*")
	}
	if err := o.selection.read(args, true, o.fleet.Many()); err != nil {
		return err
	}
	find := o.selection.find
	if status == tripletex.Active {
		find = o.selection.findWithChanges // the changes date the gap
	}
	run, found, err := o.choose(ctx, app, v, find)
	if err != nil {
		return err
	}
	ctx, cancel := app.limited(ctx)
	defer cancel()
	c, probes := newChange(app, run, v.past, o.dryRun), &health.Probes{}
	return c.do(ctx, func(ctx context.Context, m fleet.Account) (companyChange, error) {
		all, err := found(ctx, m)
		if err != nil {
			return companyChange{}, err
		}
		return o.setStatus(ctx, c, m, all, status, probes)
	})
}

// setStatus sets the status in one company.
func (o *switchOptions) setStatus(
	ctx context.Context, c *change, m fleet.Account, found []tripletex.Subscription, status tripletex.Status, probes *health.Probes,
) (done companyChange, err error) {
	var selected []tripletex.Subscription
	for _, s := range found {
		if s.Status == status || status == tripletex.Disabled && s.Status != tripletex.Active {
			continue
		}
		if o.probe {
			if err := probes.Probe(ctx, s.TargetURL); err != nil {
				hint := "check the receiver of subscription %d at %s; nothing was enabled"
				return done, fail(codeTargetUnreachable, err).withHint(hint, s.ID, c.target(s.TargetURL))
			}
		}
		selected = append(selected, s)
	}
	updates, err := tripletex.SubscriptionUpdate{Status: status}.For(selected)
	if err != nil {
		return done, err
	}
	done.found, done.left = len(found), len(found)-len(updates)
	err = c.update(ctx, m, updates, &done)
	if status == tripletex.Active {
		done.gaps = backfill.Gaps(m.Named(), found, done.done, time.Now())
	}
	return done, err
}

// backfillCommands returns the commands that recover the events of gaps, one for each login.
func backfillCommands(run runFlags, settings *config.Settings, gaps []backfill.Gap) []string {
	var commands []string
	for _, r := range backfill.Recoveries(gaps) {
		text := "tlxhook" + run.config
		if r.Profile != "" && (run.profile != "" || r.Profile != settings.Profile) {
			text += " -p " + shellWord(r.Profile)
		}
		if r.Company != 0 && !r.Several {
			text += fmt.Sprintf(" --company %d", r.Company)
		}
		text += " backfill " + r.Arguments
		if r.Several {
			text += " --all-companies"
		}
		commands = append(commands, text)
	}
	return commands
}
