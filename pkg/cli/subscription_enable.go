package cli

import (
	"context"
	"sync"
	"time"

	"github.com/spf13/cobra"

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
		RunE: app.run(func(ctx context.Context, args []string) error {
			return subscriptionSwitch(ctx, app, o, args, tripletex.Active, "enabled")
		}),
	}
	o.bind(app, cmd)
	cmd.Flags().BoolVar(&o.disabled, "all-disabled", false, "choose all that Tripletex has switched off")
	cmd.Flags().BoolVar(&o.probe, "probe", false, "first ask whether the targets answer, and refuse if one does not")
	return cmd
}

func (o *switchOptions) bind(app *App, cmd *cobra.Command) {
	o.selection.bind(app, cmd, true)
	o.fleet.bind(app, cmd)
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "print what would be sent, and send nothing")
}

// subscriptionSwitch sets the status of the chosen subscriptions that do not have it.
func subscriptionSwitch(ctx context.Context, app *App, o *switchOptions, args []string, status tripletex.Status, verb string) error {
	if o.disabled {
		o.selection.filter.Statuses = append(o.selection.filter.Statuses, "DISABLED_*")
	}
	if err := o.selection.read(args, true, o.fleet.many()); err != nil {
		return err
	}
	probes := &probes{}
	return app.change(ctx, &o.fleet, verb, o.dryRun, func(ctx context.Context, m fleet.Member) (c companyChange, err error) {
		find := o.selection.find
		if status == tripletex.Active {
			find = o.selection.findWithChanges // they tell since when events are lost
		}
		found, err := find(ctx, m.Client)
		if err != nil {
			return c, err
		}
		var updates []tripletex.SubscriptionUpdate
		for _, s := range found {
			if s.Status == status || status == tripletex.Disabled && s.Status != tripletex.Active {
				continue
			}
			if o.probe {
				if err := probes.probe(ctx, s.TargetURL); err != nil {
					return c, unreachable(s, app.target(s.TargetURL), err)
				}
			}
			updates = append(updates, tripletex.SubscriptionUpdate{ID: s.ID, Version: s.Version, Status: status})
		}
		c.found, c.left = len(found), len(found)-len(updates)
		err = c.update(ctx, app, m, updates, o.dryRun)
		if status == tripletex.Active {
			c.lost = eventsLost(found, c.done, time.Now())
		}
		return c, err
	})
}

// probes asks each target once, as most subscriptions share one.
type probes struct {
	mu    sync.Mutex
	known map[string]func() error
}

func (p *probes) probe(ctx context.Context, target string) error {
	p.mu.Lock()
	if p.known == nil {
		p.known = map[string]func() error{}
	}
	ask, ok := p.known[target]
	if !ok {
		ask = sync.OnceValue(func() error { return health.Probe(ctx, target) })
		p.known[target] = ask
	}
	p.mu.Unlock()
	return ask()
}

// unreachable says which target does not answer, and why.
func unreachable(s tripletex.Subscription, target string, err error) error {
	f := fail(codeTargetUnreachable, err)
	return f.withHint("nothing was enabled; subscription %d delivers to %s", s.ID, target)
}
