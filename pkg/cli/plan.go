package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// planOptions are the flags of the commands that make plans.
type planOptions struct {
	manifestFlags
	fleet  fleetFlags
	policy manifest.Policy
	trust  bool
}

const manifestHelp = `
A manifest says where a secret is and never holds it: {env: NAME}, {file: PATH},
{keyring: NAME} or {command: LINE}. A manifest may come from somebody else: only
--trust-manifest lets it run commands, and read files outside its folder.
With --send-secrets never no secret is looked for at all.

--all-companies works in every client company that the login reaches, or, where
the manifest has "companies:", in those that it names. What fails in one company
hinders no other: it is listed, the exit code is 7, and --only-failed repeats
the command for those alone.`

func (o *planOptions) bind(cmd *cobra.Command) {
	o.fleet.bind(cmd)
	o.policy.SendSecrets = manifest.SendSecretsChoices()[0]
	flags := cmd.Flags()
	o.manifestFlags.bind(cmd)
	flags.BoolVar(&o.policy.Prune, "prune", false, "delete what the manifest owns and does not have")
	flags.BoolVar(&o.policy.Dedupe, "dedupe", false, "delete exact duplicates of what the manifest has")
	flags.Var((*sendSecrets)(&o.policy.SendSecrets), "send-secrets", "when to send them: `WHEN` is changed, always or never")
	flags.BoolVar(&o.trust, "trust-manifest", false, "let the manifest run commands and read any file")
}

// sendSecrets is the value of --send-secrets.
type sendSecrets manifest.SendSecrets

func (s *sendSecrets) String() string { return string(*s) }
func (s *sendSecrets) Type() string   { return "WHEN" }
func (s *sendSecrets) Set(text string) error {
	for _, choice := range manifest.SendSecretsChoices() {
		if string(choice) == text {
			*s = sendSecrets(choice)
			return nil
		}
	}
	return errors.New("it is changed, always or never")
}

// companyPlan is the plan for a company of a run.
type companyPlan struct {
	fleet.Company
	manifest.Plan

	planned *manifest.Planned
	member  fleet.Account
}

// companyPlans are the plans of a run, for one company or many.
type companyPlans struct {
	fleet  *fleetFlags
	plans  []companyPlan
	failed []fleet.Failure
	all    int // companies, with the failed ones
}

// planner reads the manifest and its secrets.
func (o *planOptions) planner(ctx context.Context, app *App) (*manifest.Planner, error) {
	m, err := o.read(app.terminal.In)
	if err != nil {
		return nil, err
	}
	if err := o.fleet.narrowTo(m); err != nil {
		return nil, err
	}
	p := &manifest.Planner{Manifest: m, Policy: o.policy}
	return p, o.findSecrets(ctx, app, p, m.References())
}

// savedPlanner reads a saved plan and its secrets.
func (o *planOptions) savedPlanner(ctx context.Context, app *App, path string) (*manifest.Planner, error) {
	switch {
	case o.fleet.Many():
		return nil, usageFailure("a kept plan is of one company").withHint("give the manifest with -f")
	case len(o.files) > 0 || o.policy.Prune || o.policy.Dedupe || o.policy.SendSecrets != manifest.SendSecretsChoices()[0]:
		return nil, usageFailure("a plan says all there is to do: --file, --prune, --dedupe and --send-secrets " +
			"belong to the diff that made it")
	}
	saved, err := manifest.ReadSavedFile(path, o.trust)
	if err != nil {
		return nil, err
	}
	p := &manifest.Planner{Saved: saved, Policy: saved.Policy}
	return p, o.findSecrets(ctx, app, p, saved.Want.References())
}

// findSecrets completes the policy of a planner.
func (o *planOptions) findSecrets(ctx context.Context, app *App, p *manifest.Planner, all []manifest.Reference) (err error) {
	p.Policy.ShowTarget = app.target
	if p.Policy.SendSecrets == manifest.SendNever {
		return nil
	}
	p.Policy.Secrets, err = manifest.Resolve(ctx, all, secretFinder(app, o.trust).Find)
	if _, ok := errors.AsType[*manifest.Error](err); ok {
		return usageFailure("%w", err).withHint("--send-secrets never makes a plan without any secret")
	}
	return err
}

// secretFinder returns what finds the secrets of a manifest.
func secretFinder(app *App, trust bool) *manifest.SecretFinder {
	keyring := &credentials.Keyring{Lookup: app.lookup}
	return &manifest.SecretFinder{Trust: trust, Lookup: app.lookup, Keyring: keyring, Stderr: app.terminal.Err, Found: app.redactor.Add}
}

// plans makes the plan for each company of the run.
func (o *planOptions) plans(ctx context.Context, app *App, planner *manifest.Planner) (*companyPlans, error) {
	all, err := o.fleet.selectAccounts(ctx, app)
	if err != nil {
		return nil, err
	}
	p := &companyPlans{fleet: &o.fleet, all: all.count()}
	p.failed, err = inSelected(ctx, app, &o.fleet, all, func(ctx context.Context, m fleet.Account) (*manifest.Planned, error) {
		file, err := app.fingerprints(m)
		if err != nil {
			return nil, err
		}
		return planner.Plan(ctx, m.Client, manifestCompany(m), file)
	}, func(m fleet.Account, planned *manifest.Planned) error {
		if planned != nil {
			p.plans = append(p.plans, companyPlan{m.Named(), planned.Plan, planned, m})
		}
		return nil
	})
	return p, err
}

// sum returns the sum of the plans, and in how many companies something changes.
func (p *companyPlans) sum() (sum manifest.Plan, changing int) {
	all := make([]manifest.Plan, len(p.plans))
	for i, one := range p.plans {
		all[i] = one.Plan
	}
	return manifest.Sum(all)
}

// scope says in how many of many companies something changes. It is empty for one company.
func (p *companyPlans) scope(changing int) string {
	switch {
	case !p.fleet.Many():
		return ""
	case changing == 0:
		return " in " + fleet.Companies(p.all)
	default:
		return fmt.Sprintf(" in %d of %s", changing, fleet.Companies(p.all))
	}
}

// unmanaged says how many subscriptions of one company the plan ignores.
func (p *companyPlans) unmanaged(sum manifest.Plan) string {
	if p.fleet.Many() || sum.Unmanaged == 0 {
		return ""
	}
	return ", and " + subscriptions(sum.Unmanaged) + " not in the manifest left alone"
}

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
		noteLines(app, manifest.Plan{Notes: report.Notes}.Lines())
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
	if printErr := p.printResults(ctx, app.printer, results, all); printErr != nil {
		return printErr
	}
	return err
}

func (p *companyPlans) printResults(ctx context.Context, printer *output.Printer, results []companyResult, all manifest.Report) error {
	if p.fleet.Many() {
		return output.List(ctx, printer, companyResultTable(), results)
	}
	return output.List(ctx, printer, resultTable(), all.Results)
}

func noteLines(app *App, lines []manifest.Line) {
	if !app.settings.Quiet {
		_, _ = io.WriteString(app.terminal.Err, painted(lines, app.terminal.ErrColor)) // an error on stderr cannot be reported
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
	warnNotStored(app.note, p.File.Change(report.NoteSent))
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
