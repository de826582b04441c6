package cli

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// applyOptions are the flags of apply.
type applyOptions struct {
	planOptions
	dryRun     bool
	yes        bool
	maxDeletes int
	wait       time.Duration
}

func newApply(app *App) *cobra.Command {
	o := &applyOptions{}
	cmd := &cobra.Command{
		Use:   "apply [PLAN]",
		Short: "Make Tripletex what a manifest says",
		Long: `Make Tripletex what a manifest says: show the plan, ask, create, update and
delete in at most one request each, and prove the result by the list. A second
apply writes nothing. PLAN is what diff --out has kept; it is refused if
anything was changed meanwhile.
` + manifestHelp + "\n" + fleetManifestHelp,
		Example: `  tlxhook apply -f hooks.yaml
  tlxhook apply -f hooks.yaml --prune --max-deletes 10 --yes
  tlxhook apply -f clients.yaml --all-companies
  tlxhook diff -f hooks.yaml --out plan.json; tlxhook apply plan.json --yes`,
		Args: noneOrOne("plan"),
		RunE: app.runUnlimited(func(ctx context.Context, args []string) error { return apply(ctx, app, o, args) }),
	}
	o.bind(app, cmd)
	flags := cmd.Flags()
	flags.BoolVar(&o.dryRun, "dry-run", false, "show the plan as diff does, and change nothing")
	flags.BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	flags.IntVar(&o.maxDeletes, "max-deletes", 5, "refuse to delete more than this `NUMBER`")
	flags.DurationVar(&o.wait, "wait", 0, "let Tripletex settle for a `TIME` before the proof (5s without =TIME)")
	flags.Lookup("wait").NoOptDefVal = "5s"
	cmd.ValidArgsFunction = cobra.FixedCompletions([]cobra.Completion{"json"}, cobra.ShellCompDirectiveFilterFileExt)
	return cmd
}

func apply(ctx context.Context, app *App, o *applyOptions, args []string) error {
	if len(args) == 0 && len(o.files) == 0 {
		return noManifest()
	}
	if !o.yes && !o.dryRun && !app.terminal.IsInteractive() {
		return usageFailure("applying needs --yes where nobody can be asked").withHint("--dry-run shows the plan")
	}
	if o.maxDeletes < 0 || o.wait < 0 {
		return usageFailure("--max-deletes and --wait must not be negative")
	}
	if o.fleet.many() {
		return applyCompanies(ctx, app, o, args)
	}
	p, err := o.look(ctx, app, args)
	if err != nil {
		return err
	}
	if o.dryRun {
		return p.show(ctx, app)
	}
	if p.Empty() {
		app.notePlan(p.Plan, o.yes)
		app.note("nothing to do%s", p.beside())
		return output.List(ctx, app.printer, resultTable(), []manifest.Result{})
	}
	if err := o.permit(ctx, app, p); err != nil {
		return err
	}
	ctx, cancel := app.limited(ctx)
	defer cancel()
	return p.execute(ctx, app, o.wait)
}

// look makes the plan, within a limit of time of its own: the person may think for longer.
func (o *applyOptions) look(ctx context.Context, app *App, args []string) (*planned, error) {
	ctx, cancel := app.limited(ctx)
	defer cancel()
	if len(args) == 1 {
		return o.kept(ctx, app, args[0])
	}
	return o.plan(ctx, app)
}

// permit shows the plan on the stream for messages and asks whether to go on.
func (o *applyOptions) permit(ctx context.Context, app *App, p *planned) error {
	app.notePlan(p.Plan, o.yes)
	if err := p.Withheld(); err != nil {
		return err
	}
	return o.confirm(ctx, app, p.Plan, p.where)
}

// confirm refuses too many deletions, and asks whether to go on. Where says in which company, or in how many.
func (o *applyOptions) confirm(ctx context.Context, app *App, p manifest.Plan, where string) error {
	if p.Delete > o.maxDeletes {
		return usageFailure("the plan deletes %s, and --max-deletes allows %d", subscriptions(p.Delete), o.maxDeletes).
			withHint("if that is what you want, say --max-deletes %d", p.Delete)
	}
	if o.yes {
		return nil
	}
	sure, err := app.terminal.Confirm(ctx, "Apply this: "+p.Summary()+where+"?")
	if err == nil && !sure {
		err = failf(codeDeclined, "nothing was changed")
	}
	return err
}

// notePlan shows a plan on the stream for messages, unless it may be left out and nobody wants to be told.
func (a *App) notePlan(plan manifest.Plan, optional bool) {
	if !optional || !a.settings.Quiet {
		_, _ = io.WriteString(a.terminal.Err, painted(plan.Lines(), a.terminal.ErrColor)) // there is nowhere to complain
	}
}

// execute makes the changes and says what became of each.
func (p *planned) execute(ctx context.Context, app *App, wait time.Duration) error {
	report, err := p.do(ctx, app, wait)
	app.notePlan(manifest.Plan{Notes: report.Notes}, true)
	app.note("%s", tally(report))
	finish, cancel := finishing(ctx)
	defer cancel()
	if printErr := output.List(finish, app.printer, resultTable(), report.Results); printErr != nil {
		return printErr
	}
	return p.explain(finish, report, err)
}

// do makes the changes. A signal ends the run after the request in flight.
func (p *planned) do(ctx context.Context, app *App, wait time.Duration) (manifest.Report, error) {
	finish, cancel := finishing(ctx)
	defer cancel()
	run := manifest.Run{Service: p.client, Want: p.want, Policy: p.policy, Stop: ctx.Err}
	if wait > 0 {
		run.Settle = func(context.Context) error { return settle(ctx, wait) }
	}
	report, err := run.Apply(finish, p.Plan)
	p.sent.note(app, report.NoteSent)
	return report, err
}

// settle waits, unless a signal comes first.
func settle(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tally counts what was done, such as "2 created, 1 updated; 1 failed".
func tally(report manifest.Report) string {
	done := map[manifest.Action]int{}
	for _, r := range report.Results {
		if r.Outcome == manifest.Done {
			done[r.Action]++
		}
	}
	var parts []string
	for _, action := range []manifest.Action{manifest.Create, manifest.Update, manifest.Delete} {
		if n := done[action]; n > 0 {
			parts = append(parts, strconv.Itoa(n)+" "+string(action)+"d")
		}
	}
	for _, outcome := range []manifest.Outcome{manifest.Failed, manifest.Open, manifest.Skipped} {
		if n := report.Count(outcome); n > 0 {
			parts = append(parts, strconv.Itoa(n)+" "+string(outcome))
		}
	}
	return strings.Join(parts, ", ")
}

// explain decides how the run ends.
func (p *planned) explain(ctx context.Context, report manifest.Report, err error) error {
	if errors.Is(err, manifest.ErrNotProved) {
		return fail(codePartial, err).withHint("somebody else may be at work; tlxhook diff shows what differs now")
	}
	if _, ok := errors.AsType[*manifest.NoProofError](err); ok && !errors.Is(err, context.Canceled) {
		return fail(codePartial, err).withHint("tlxhook diff shows whether it is so")
	}
	wanted := make([]tripletex.NewSubscription, p.Create)
	for i, c := range p.Changes[:p.Create] {
		wanted[i].Event = c.Event
	}
	return partly(unknownEvent(ctx, p.client, wanted, err), report.Count(manifest.Done), len(report.Results))
}
