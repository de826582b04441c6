package cli

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// execute makes the changes and prints the result of each.
func (p *companyPlans) execute(ctx context.Context, app *App, pause time.Duration) error {
	planned := map[fleet.Account]*manifest.Planned{}
	chosen := selectedAccounts{failed: p.failed}
	for _, one := range p.plans {
		if !one.Empty() {
			planned[one.member] = one.planned
			chosen.members = append(chosen.members, one.member)
		}
	}
	if err := p.fleet.begin(app, chosen); err != nil {
		return err
	}
	results := []companyResult{}
	failed, err := inSelected(ctx, app, p.fleet, chosen, func(ctx context.Context, m fleet.Account) (manifest.Report, error) {
		report, err := executePlan(ctx, app, planned[m], pause)
		return report, explain(ctx, planned[m], m.Client, report, err)
	}, func(m fleet.Account, report manifest.Report) error {
		app.noteLines(manifest.Plan{Notes: report.Notes}.Lines())
		for _, r := range report.Results {
			results = append(results, companyResult{m.Named(), r})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return p.report(context.WithoutCancel(ctx), app, results, failed)
}

// report prints the results, and returns the error of the run.
func (p *companyPlans) report(ctx context.Context, app *App, results []companyResult, failed []fleet.Failure) error {
	all := manifest.Report{Results: make([]manifest.Result, len(results))}
	for i, r := range results {
		all.Results[i] = r.Result
	}
	if len(results) > 0 {
		app.note("%s", all.Summary())
	} else if len(failed) == 0 {
		sum, _ := p.sum()
		app.note("nothing to do%s%s", p.scope(0), p.unmanaged(sum))
	}
	unchanged := slices.ContainsFunc(p.plans, func(one companyPlan) bool { return one.Empty() })
	err := p.fleet.end(app, failed, p.all, all.Count(manifest.Done) == 0 && !unchanged)
	if err != nil && len(results) == 0 {
		return err
	}
	if printErr := p.printResults(ctx, app, results, all); printErr != nil {
		return printErr
	}
	return err
}

func (p *companyPlans) printResults(ctx context.Context, app *App, results []companyResult, all manifest.Report) error {
	if p.fleet.Many() {
		return output.List(ctx, app.printer, companyResultTable(), results)
	}
	return output.List(ctx, app.printer, resultTable(), all.Results)
}

func (a *App) noteLines(lines []manifest.Line) {
	if !a.settings.Quiet {
		_, _ = io.WriteString(a.terminal.Err, painted(lines, a.terminal.ErrColor)) // an error on stderr cannot be reported
	}
}

// executePlan makes the changes of one company. A signal ends the run after the request in flight.
func executePlan(ctx context.Context, app *App, p *manifest.Planned, pause time.Duration) (manifest.Report, error) {
	finish, cancel := wait.Finishing(ctx)
	defer cancel()
	run := p.Run
	run.Stop = ctx.Err
	if pause > 0 {
		run.Pause = func(context.Context) error { return wait.For(ctx, pause) }
	}
	report, err := run.Apply(finish, p.Plan)
	app.warnNotStored(p.File.Change(report.NoteSent))
	return report, err
}

// explain adds the cause of a refused event to the error of one company, and what was done before it.
func explain(ctx context.Context, p *manifest.Planned, client *tripletex.Client, report manifest.Report, err error) error {
	if errors.Is(err, manifest.ErrNotListed) || errors.Is(err, manifest.ErrUnverified) {
		return err
	}
	wanted := make([]tripletex.NewSubscription, p.Create)
	for i, c := range p.Changes[:p.Create] {
		wanted[i].Event = c.Event
	}
	finish, cancel := wait.Finishing(ctx)
	defer cancel()
	return partly(unknownEvent(finish, client, wanted, err), report.Count(manifest.Done), len(report.Results))
}
