package cli

import (
	"context"

	"github.com/tlxhook/tlxhook/pkg/backfill"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// companyChange is what a command did, or with --dry-run would do, in one company.
type companyChange struct {
	found int // how many were chosen
	left  int // of them left alone, as they are so already
	done  []tripletex.Subscription
	plan  []plannedRequest
	gaps  []backfill.Gap
}

// change works in the companies of a run, prints what was changed, and says how much was done.
func (a *App) change(ctx context.Context, f *fleetFlags, verb string, dryRun bool, work func(context.Context, fleet.Account) (companyChange, error)) error {
	all, err := f.selectAccounts(ctx, a)
	if err != nil {
		return err
	}
	return a.changeIn(ctx, f, all, verb, dryRun, work)
}

// changeIn is change for companies that are chosen already.
func (a *App) changeIn(ctx context.Context, f *fleetFlags, all selectedAccounts, verb string, dryRun bool, work func(context.Context, fleet.Account) (companyChange, error)) error {
	f.planning = dryRun
	if err := f.begin(a, all); err != nil {
		return err
	}
	rows := &subscriptionRows{app: a, many: f.Many()}
	var plan []plannedRequest
	var gaps []companyGap
	var commands []string // that find missed events
	found, left := 0, 0
	failed, err := inSelected(ctx, a, f, all, work, func(m fleet.Account, c companyChange) error {
		found, left = found+c.found, left+c.left
		for _, request := range c.plan {
			if f.Many() {
				request.maybeOfCompany = maybeOfCompany(m.Named())
			}
			plan = append(plan, request)
		}
		label := ""
		if f.Many() {
			label = m.Named().Label()
		}
		for _, gap := range c.gaps {
			gaps = append(gaps, companyGap{gap, label})
		}
		if command := a.backfillCommand(m, c.gaps); command != "" {
			commands = append(commands, command)
		}
		return rows.add(ctx, m, c.done)
	})
	if err == nil {
		err = f.end(a, failed, all.count(), len(rows.all)+len(plan)+left == 0)
	}
	switch {
	case err != nil && len(rows.all)+len(plan) == 0:
		return err
	case err == nil && found == 0:
		return notFoundFailure("no subscription matches").withHint("tlxhook subscription list shows what there is")
	}
	if left > 0 {
		a.note("%s left alone: %s already", subscriptions(left), verb)
	}
	show := rows.print
	if dryRun {
		show = func(ctx context.Context) error { return output.List(ctx, a.printer, requestTable(f.Many()), plan) }
	} else if len(rows.all) > 0 {
		a.note("%s %s", verb, subscriptions(len(rows.all)))
	}
	a.reportGaps(gaps, commands)
	if printErr := show(ctx); printErr != nil {
		return printErr
	}
	return err
}
