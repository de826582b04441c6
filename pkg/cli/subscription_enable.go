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
	selection selection
	fleet     fleetFlags
	dryRun    bool
	probe     bool
	disabled  bool
}

func newSubscriptionEnable(app *App) *cobra.Command {
	o := &switchOptions{}
	cmd := &cobra.Command{
		Use:   "enable [ID...]",
		Short: "Switch subscriptions on again",
		Long: `Switch subscriptions on again. What is active already is left alone. Events of
the time in between do not come back: for each it is said from when to when they
may be lost, as far as Tripletex tells, and which tlxhook backfill finds what
they were about. Before Tripletex switches one off for too many errors,
deliveries have failed for a week.
` + selectionHelp + "\n" + fleetHelp,
		Example: `  tlxhook subscription enable 4711
  tlxhook subscription enable --status 'DISABLED_*' --probe
  tlxhook subscription enable --all-disabled --all-companies --probe`,
		ValidArgsFunction: app.complete.subscriptions,
		RunE: app.run(func(ctx context.Context, args []string) error {
			return subscriptionSwitch(ctx, app, o, args, tripletex.Active, "enabled")
		}),
	}
	o.bind(cmd)
	cmd.Flags().BoolVar(&o.disabled, "all-disabled", false, "choose all that Tripletex has switched off")
	cmd.Flags().BoolVar(&o.probe, "probe", false, "first ask whether the targets answer, and refuse if one does not")
	return cmd
}

func (o *switchOptions) bind(cmd *cobra.Command) {
	o.selection.bind(cmd, true)
	o.fleet.bind(cmd)
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "print what would be sent, and send nothing")
}

// subscriptionSwitch sets the status of the chosen subscriptions that do not have it.
func subscriptionSwitch(ctx context.Context, app *App, o *switchOptions, args []string, status tripletex.Status, verb string) error {
	if o.disabled {
		o.selection.filter.Statuses = append(o.selection.filter.Statuses, "DISABLED_*")
	}
	if err := o.selection.read(args, true, o.fleet.Many()); err != nil {
		return err
	}
	run, err := o.fleet.selectAccounts(ctx, app)
	if err != nil {
		return err
	}
	c, probes := newChange(app, run, verb, o.dryRun), &health.Probes{}
	return c.do(ctx, func(ctx context.Context, m fleet.Account) (companyChange, error) {
		return o.setStatus(ctx, c, m, status, probes)
	})
}

// setStatus sets the status in one company.
func (o *switchOptions) setStatus(
	ctx context.Context, c *change, m fleet.Account, status tripletex.Status, probes *health.Probes,
) (done companyChange, err error) {
	find := o.selection.find
	if status == tripletex.Active {
		find = o.selection.findWithChanges // they tell when a gap begins
	}
	found, err := find(ctx, m.Client)
	if err != nil {
		return done, err
	}
	var updates []tripletex.SubscriptionUpdate
	for _, s := range found {
		if s.Status == status || status == tripletex.Disabled && s.Status != tripletex.Active {
			continue
		}
		if o.probe {
			if err := probes.Probe(ctx, s.TargetURL); err != nil {
				hint := "nothing was enabled; subscription %d delivers to %s"
				return done, fail(codeTargetUnreachable, err).withHint(hint, s.ID, c.target(s.TargetURL))
			}
		}
		updates = append(updates, tripletex.SubscriptionUpdate{ID: s.ID, Version: s.Version, Status: status})
	}
	done.found, done.left = len(found), len(found)-len(updates)
	err = c.update(ctx, m, updates, &done)
	if status == tripletex.Active {
		done.gaps = backfill.Gaps(found, done.done, time.Now())
	}
	return done, err
}

// backfillCommand returns the command that finds the events of gaps in a company; empty where there is none.
func backfillCommand(settings *config.Settings, m fleet.Account, gaps []backfill.Gap) string {
	arguments := backfill.RecoveryArguments(gaps)
	if arguments == "" {
		return ""
	}
	text := "tlxhook"
	if settings.Origin("profile") == "--profile" && m.Profile != "" {
		text += " -p " + m.Profile
	}
	if m.CompanyID != 0 {
		text += fmt.Sprintf(" --company %d", m.CompanyID)
	}
	return text + " backfill " + arguments
}
