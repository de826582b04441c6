package cli

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/output"
)

// applyCompanies makes the plans of all companies, asks once, and makes them true.
func applyCompanies(ctx context.Context, app *App, o *applyOptions, args []string) error {
	if len(args) > 0 {
		return usageFailure("a kept plan is of one company").withHint("give the manifest with -f")
	}
	plans, err := o.lookAll(ctx, app)
	if err != nil {
		return err
	}
	if o.fleet.planning = o.dryRun; o.dryRun {
		return plans.show(ctx, app)
	}
	sum, changing := manifest.Sum(plans.each())
	if changing > 0 {
		if err := o.permitAll(ctx, app, plans, sum, changing); err != nil {
			return err
		}
	}
	ctx, cancel := app.limited(ctx)
	defer cancel()
	return o.executeAll(ctx, app, plans)
}

// lookAll makes the plans, within a limit of time of its own: the person may think for longer.
func (o *applyOptions) lookAll(ctx context.Context, app *App) (*companyPlans, error) {
	ctx, cancel := app.limited(ctx)
	defer cancel()
	return o.plans(ctx, app)
}

// permitAll shows the plans on the stream for messages and asks whether to go on.
func (o *applyOptions) permitAll(ctx context.Context, app *App, plans *companyPlans, sum manifest.Plan, changing int) error {
	if !o.yes || !app.settings.Quiet {
		to := *app.terminal
		to.Color = to.ErrColor
		text, err := plans.lines(ctx, &to, to.ErrColor)
		if err != nil {
			return err
		}
		_, _ = io.WriteString(app.terminal.Err, text) // there is nowhere to complain
	}
	for _, p := range plans.plans {
		if err := p.Withheld(); err != nil {
			return err
		}
	}
	return o.confirm(ctx, app, sum, fmt.Sprintf(" in %d of %s", changing, companies(plans.all)))
}

// executeAll makes the changes and says what became of each. Where no plan could be made, nothing is done.
func (o *applyOptions) executeAll(ctx context.Context, app *App, plans *companyPlans) error {
	planned := map[fleet.Member]*planned{}
	chosen := chosenCompanies{failed: plans.failed}
	for _, p := range plans.plans {
		if !p.Empty() {
			planned[p.member] = p.planned
			chosen.members = append(chosen.members, p.member)
		}
	}
	if err := app.rememberBegun(plans.fleet, chosen); err != nil {
		return err
	}
	results := []companyResult{}
	var all manifest.Report
	failed, err := inChosen(ctx, app, plans.fleet, chosen, func(ctx context.Context, m fleet.Member) (manifest.Report, error) {
		report, err := planned[m].do(ctx, app, o.wait)
		finish, cancel := finishing(ctx)
		defer cancel()
		return report, planned[m].explain(finish, report, err)
	}, func(m fleet.Member, report manifest.Report) error {
		app.notePlan(manifest.Plan{Notes: report.Notes}, true)
		all.Results = append(all.Results, report.Results...)
		for _, r := range report.Results {
			results = append(results, companyResult{of(m), r})
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(results) > 0 {
		app.note("%s", tally(all))
	} else if len(failed) == 0 {
		app.note("nothing to do in %s", companies(plans.all))
	}
	idle := slices.ContainsFunc(plans.plans, func(p companyPlan) bool { return p.Empty() })
	err = plans.fleet.end(app, failed, plans.all, all.Count(manifest.Done) == 0 && !idle)
	if err != nil && len(results) == 0 {
		return err
	}
	if printErr := output.List(context.WithoutCancel(ctx), app.printer, companyResultTable(), results); printErr != nil {
		return printErr
	}
	return err
}
