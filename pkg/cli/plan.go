package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// planOptions are the flags of the commands that create plans.
type planOptions struct {
	manifestFlags
	fleet  fleetFlags
	policy manifest.Policy
	trust  bool
	// lock is true for plans that are executed.
	lock bool
}

const manifestHelp = `
A manifest refers to secrets and never contains them: {env: NAME}, {file: PATH},
{keyring: NAME} or {command: LINE}. Commands, and files outside the folder of
the manifest, require --trust-manifest. --send-secrets never skips all secrets.

--all-companies runs the command in every client company that the login reaches,
or in those that the manifest lists under "companies:". A failure in one company
does not stop the others: failed companies are listed and the exit code is 7.
--only-failed repeats the command in those.`

func (o *planOptions) bind(cmd *cobra.Command) {
	o.fleet.bind(cmd)
	o.policy.SendSecrets = manifest.SendSecretsChoices()[0]
	flags := cmd.Flags()
	o.manifestFlags.bind(cmd)
	flags.BoolVar(&o.policy.Prune, "prune", false, "delete subscriptions that the manifest owns and does not list")
	flags.BoolVar(&o.policy.Dedupe, "dedupe", false, "delete identical duplicates of subscriptions in the manifest")
	flags.Var((*sendSecrets)(&o.policy.SendSecrets), "send-secrets", "when to send secrets: `WHEN` is changed, always or never")
	flags.BoolVar(&o.trust, "trust-manifest", false, "allow the manifest to run commands and read any file")
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
	return errors.New("must be changed, always or never")
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
	*console

	run      *fleetRun
	settings *config.Settings
	plans    []companyPlan
	failed   []fleet.Failure
	// release ends the lock of the companies.
	release func()
}

// planner reads the manifest, or the saved plan at a path, and its secrets.
func (o *planOptions) planner(
	ctx context.Context, r credentials.Reader, show func(string) string, saved ...string,
) (*manifest.Planner, error) {
	p, references, err := o.read(ctx, r.Stdin, saved)
	if err != nil {
		return nil, err
	}
	p.Policy.ShowTarget = show
	if p.Policy.SendSecrets == manifest.SendNever {
		return p, nil
	}
	p.Policy.Secrets, err = manifest.Resolve(ctx, references, secretFinder(r, o.trust).Find)
	if _, ok := errors.AsType[*manifest.Error](err); ok {
		return nil, usageFailure("%w", err).withHint("pass --send-secrets never to plan without secrets")
	}
	return p, err
}

// read reads the manifest, or the saved plan, and returns its references to secrets.
func (o *planOptions) read(ctx context.Context, stdin io.Reader, saved []string) (*manifest.Planner, []manifest.Reference, error) {
	if len(saved) > 0 {
		return o.readSaved(saved[0])
	}
	m, err := o.manifestFlags.read(ctx, stdin)
	if err != nil {
		return nil, nil, err
	}
	if o.policy.Prune {
		if err := m.CheckPrune(); err != nil {
			return nil, nil, err
		}
	}
	if err := o.fleet.narrowTo(m); err != nil {
		return nil, nil, err
	}
	return &manifest.Planner{Manifest: m, Policy: o.policy}, m.References(), nil
}

func (o *planOptions) readSaved(path string) (*manifest.Planner, []manifest.Reference, error) {
	switch {
	case o.fleet.Many():
		return nil, nil, usageFailure("a saved plan is for one company only").withHint("pass the manifest with -f")
	case len(o.files) > 0 || o.policy.Prune || o.policy.Dedupe || o.policy.SendSecrets != manifest.SendSecretsChoices()[0]:
		return nil, nil, usageFailure("a saved plan cannot be combined with --file, --prune, --dedupe or --send-secrets").
			withHint("pass these flags to %s", command{"diff", "--out", "FILE"})
	}
	saved, err := manifest.ReadSavedFile(path, o.trust)
	if err != nil {
		return nil, nil, err
	}
	return &manifest.Planner{Saved: saved, Policy: saved.Policy}, saved.Want.References(), nil
}

// secretFinder returns the finder of the secrets of a manifest.
func secretFinder(r credentials.Reader, trust bool) *manifest.SecretFinder {
	return &manifest.SecretFinder{Trust: trust, Lookup: r.Lookup, Keyring: r.Keyring, Stderr: r.Stderr, Found: r.Found}
}

// plans creates the plan for each company of the run.
func (o *planOptions) plans(ctx context.Context, app *App, planner *manifest.Planner) (*companyPlans, error) {
	run, err := o.fleet.selectAccounts(ctx, app)
	if err != nil {
		return nil, err
	}
	if planner.Manifest != nil {
		for _, warning := range planner.Manifest.Warnings() {
			app.note("warning: %v", warning)
		}
	}
	p := &companyPlans{console: &app.console, run: run, settings: app.settings, release: func() {}}
	if o.lock {
		if p.release, err = lockCompanies(ctx, app.logins(), app.note, run.Members...); err != nil {
			return nil, err
		}
	}
	planner.Login = func(c manifest.Company) string { return app.given.loginOf(run.Many, c.ID) }
	p.failed, err = inAccounts(ctx, run, func(ctx context.Context, m fleet.Account) (*manifest.Planned, error) {
		return planner.Plan(ctx, m.Client, manifestCompany(m), fingerprints(app.lookup, app.settings.BaseURL, m))
	}, func(m fleet.Account, planned *manifest.Planned) error {
		if planned != nil {
			p.plans = append(p.plans, companyPlan{m.Named(), planned.Plan, planned, m})
		}
		return nil
	})
	if err != nil {
		p.release()
	}
	return p, err
}

// sum returns the sum of the plans and the number of companies with changes.
func (p *companyPlans) sum() (sum manifest.Plan, changing int) {
	return manifest.Sum(plansOf(p.plans))
}

func plansOf(all []companyPlan) []manifest.Plan {
	plans := make([]manifest.Plan, len(all))
	for i, one := range all {
		plans[i] = one.Plan
	}
	return plans
}

// scope returns the number of companies with changes as text; empty for a run over one company.
func (p *companyPlans) scope(changing int) string {
	switch {
	case !p.run.Many:
		return ""
	case changing == 0:
		return " in " + terminal.Count(p.run.Count(), "client company")
	default:
		return fmt.Sprintf(" in %d of %s", changing, terminal.Count(p.run.Count(), "client company"))
	}
}

// unmanaged returns the number of subscriptions that the plan of one company ignores, as text.
func (p *companyPlans) unmanaged(sum manifest.Plan) string {
	if p.run.Many || sum.Unmanaged == 0 {
		return ""
	}
	return ", " + terminal.Count(sum.Unmanaged, "unmanaged subscription") + " ignored"
}

// execute makes the changes and prints the result of each.
func (p *companyPlans) execute(ctx context.Context, pause time.Duration) error {
	planned := map[fleet.Account]*manifest.Planned{}
	run := *p.run
	run.Members, run.Failed = nil, p.failed
	for _, one := range p.plans {
		if !one.Empty() {
			planned[one.member] = one.planned
			run.Members = append(run.Members, one.member)
		}
	}
	if err := run.Begin(); err != nil {
		return err
	}
	results := []companyResult{}
	failed, err := inAccounts(ctx, &run, func(ctx context.Context, m fleet.Account) (manifest.Report, error) {
		report, unstored, err := planned[m].Execute(ctx, pause)
		warnNotStored(p.note, unstored)
		return report, explain(ctx, planned[m], m.Client, report, err)
	}, func(m fleet.Account, report manifest.Report) error {
		if !p.quiet {
			lines := manifest.Plan{Notes: report.Notes}.Lines()
			_, _ = io.WriteString(p.terminal.Err, manifest.Text(lines, p.terminal.ErrColor)) // an error on stderr cannot be reported
		}
		for _, r := range report.Results {
			results = append(results, companyResult{m.Named(), r})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return p.report(ctx, results, failed)
}

// report prints the results, and returns the error of the run.
func (p *companyPlans) report(ctx context.Context, results []companyResult, failed []fleet.Failure) error {
	all := manifest.Report{Results: make([]manifest.Result, len(results))}
	for i, r := range results {
		all.Results[i] = r.Result
	}
	if len(results) > 0 {
		p.note("%s", all.Summary())
	} else if len(failed) == 0 {
		sum, _ := p.sum()
		p.note("nothing to do%s%s", p.scope(0), p.unmanaged(sum))
	}
	unchanged := slices.ContainsFunc(p.plans, func(one companyPlan) bool { return one.Empty() })
	err := p.run.End(failed, p.run.Count(), all.Count(manifest.Done) == 0 && !unchanged)
	if err != nil && len(results) == 0 {
		return err
	}
	var printErr error
	if p.run.Many {
		printErr = output.List(ctx, p.printer, companyResultTable(), results)
	} else {
		printErr = output.List(ctx, p.printer, resultTable(), all.Results)
	}
	return cmp.Or(printErr, err)
}

// explain adds the unknown event and the number of changes made to the error of one company.
func explain(ctx context.Context, p *manifest.Planned, client *tripletex.Client, report manifest.Report, err error) error {
	if errors.Is(err, manifest.ErrNotListed) || errors.Is(err, manifest.ErrUnverified) || as[*match.DuplicatesError](err) {
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
