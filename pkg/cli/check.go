package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// checkOptions are the flags of check.
type checkOptions struct {
	selection   selection
	fleet       fleetFlags
	rules       health.Rules
	unreachable health.State
	outputFile  string
	silences    []health.Silence
	journal     string
	each        bool
	against     manifestFlags
	wanted      *manifest.Manifest // nil without --against
	events      manifest.Events
}

func newCheck(app *App) *cobra.Command {
	o := &checkOptions{rules: health.Rules{Disabled: health.Warning}, unreachable: health.Unknown}
	cmd := &cobra.Command{
		Use:   "check [ID...]",
		Short: "Check subscription health",
		Long: `Check subscription health, and exit with the code of a monitoring plugin: 0 OK,
1 WARNING, 2 CRITICAL, 3 UNKNOWN.

  ACTIVE                                  OK
  DISABLED (manually)                     WARNING
  DISABLED_... (by Tripletex)             CRITICAL
  any other status                        UNKNOWN
  no match, or no active subscription     CRITICAL
  duplicate (same event and target)       WARNING
  no delivery for --max-silence           WARNING
  no valid response from Tripletex        UNKNOWN

--against MANIFEST also compares with a manifest: a missing subscription is
CRITICAL, a different one WARNING. A subscription that the manifest disables is
OK. Secrets are neither required nor compared.

--all-companies checks every client company that the login reaches, and lists
the worst first; --profiles and --all-profiles check several logins. Counts are
summed. A company that cannot be checked is UNKNOWN.
` + selectionHelp + `

Formats for -o: table (default in a terminal), nagios (default otherwise), json,
prometheus, checkmk, zabbix-lld, github, junit. The default of --timeout is 8s.

A RANGE is the OK range of a monitoring plugin: 5 is 0 to 5, 1: is 1 or more,
~:10 is at most 10, @1:3 is all except 1 to 3. A NAME is one of active,
disabled, too_many_errors, rate_limited, misuse, other, total.`,
		Example: `  tlxhook check
  tlxhook check --event 'order.*' -o nagios
  tlxhook check -w too_many_errors=0 -c too_many_errors=2
  tlxhook check -o prometheus --output-file /var/lib/node_exporter/tlxhook.prom
  tlxhook check --against hooks.yaml
  tlxhook check --max-silence 'order.*=48h' --journal /var/lib/tlxhook
  tlxhook check --all-companies --timeout 1m
  tlxhook check -o junit --output-file webhooks.xml`,
		Annotations: map[string]string{
			annotationPlugin: "yes", annotationTimeout: "8s", annotationFormats: strings.Join(reportFormats(), " "),
		},
		RunE: app.run(func(ctx context.Context, args []string) error { return check(ctx, app, o, args) }),
	}
	flags := cmd.Flags()
	flags.VarP(thresholdFlag{&o.rules.Thresholds, health.Warning}, "warning", "w", "OK range of a count, else WARNING")
	flags.VarP(thresholdFlag{&o.rules.Thresholds, health.Critical}, "critical", "c", "OK range of a count, else CRITICAL")
	flags.Var((*stateFlag)(&o.rules.Disabled), "disabled-state", "state for DISABLED: ok, warning, critical or unknown")
	flags.Var((*stateFlag)(&o.unreachable), "unreachable-state", "state if Tripletex cannot be reached: warning, critical or unknown")
	flags.Var((*silenceFlag)(&o.silences), "max-silence", "WARNING without a delivery of EVENT for longer than TIME, such as 'order.*=48h'")
	bindJournal(cmd, &o.journal)
	flags.StringVar(&o.outputFile, "output-file", "", "write the report to `FILE` atomically, and a summary to stdout")
	flags.BoolVar(&o.each, "per-subscription", false, "one checkmk service per subscription; no prometheus limit on series")
	o.against.bindAs(cmd, "against", "", "manifest `FILE` or folder to compare with (- for stdin)")
	o.selection.bind(cmd, false)
	cmd.ValidArgsFunction = app.complete.subscriptions
	o.fleet.bindChoice(cmd)
	complete(cmd, "disabled-state", fixed("ok", "warning", "critical", "unknown"))
	complete(cmd, "unreachable-state", fixed("warning", "critical", "unknown"))
	complete(cmd, "warning", completeCounts)
	complete(cmd, "critical", completeCounts)
	return cmd
}

func check(ctx context.Context, app *App, o *checkOptions, args []string) (err error) {
	if err := o.selection.read(args, false, o.fleet.Many()); err != nil {
		return err
	}
	if o.unreachable == health.OK {
		return usageFailure("--unreachable-state ok: must be warning, critical or unknown")
	}
	if len(o.against.files) > 0 && !o.selection.filter.Empty() {
		return usageFailure("--against cannot be combined with IDs or filters").
			withHint("omit the IDs and filters; a manifest is compared with all subscriptions")
	}
	if len(o.against.files) > 0 {
		if o.wanted, err = o.against.read(ctx, app.terminal.In); err != nil {
			return err
		}
		if err := o.fleet.requireCompanies(o.wanted); err != nil {
			return err
		}
	}
	d := checking{checkOptions: o, settings: app.settings, run: app.given, redact: app.redactor.Redact, Document: health.Document{
		Output: output.Options{Format: output.Format(app.settings.Output), JQ: app.settings.JQ, Template: app.settings.Template},
		Each:   o.each, All: app.settings.Verbose > 0, Flags: health.CommandFlags{Login: app.given.login()},
	}}
	start := time.Now()
	run, err := o.fleet.selectAccounts(ctx, app)
	if err == nil {
		err = d.ask(ctx, run, start)
	}
	if err != nil {
		d.fail(ctx, fleet.Company{}, err, time.Since(start))
		d.Report = d.Samples[len(d.Samples)-1].Report
	}
	always := context.WithoutCancel(ctx) // the report is always written
	d.Report.AddSilences(lastDeliveries(always, app.lookup, o.journal, o.silences), time.Now())
	if err := app.writeReport(ctx, o.outputFile, d.Document); err != nil {
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			return err // an endless query
		}
		problem := health.Problem{Code: "local_io", Message: fmt.Sprintf("%s; %s", err, d.Report.Summary)}
		d.Report = health.Unreachable(problem, health.Worst(d.Report.State, health.Unknown), time.Since(start))
	}
	if o.outputFile != "" {
		d.Output = output.Options{} // the default format
	}
	if err := app.showReport(ctx, d.Document); err != nil {
		return err
	}
	return pluginVerdict{d.Report.State}
}

// checking is a check with its partial report.
type checking struct {
	*checkOptions
	health.Document

	settings *config.Settings
	run      runFlags
	redact   func(string) string
}

// ask creates the report on the accounts of the run, with one request per 1,000 subscriptions of each. An account that
// cannot be checked has its own report.
func (d *checking) ask(ctx context.Context, run *fleetRun, start time.Time) error {
	var parts []health.Part
	for _, l := range run.Failed {
		parts = append(parts, d.fail(ctx, l.Company, l.Err, 0))
	}
	run.Failed = nil // reported above
	work := func(ctx context.Context, m fleet.Account) (checked, error) {
		began := start
		if run.Many {
			began = time.Now()
		}
		in, err := d.input(ctx, m, began)
		return checked{in, time.Now(), time.Since(began), err}, nil
	}
	notBegun, err := inAccounts(ctx, run, work, func(m fleet.Account, c checked) error {
		switch {
		case c.err != nil:
			parts = append(parts, d.fail(ctx, m.Company, c.err, c.took))
		case !c.at.IsZero():
			parts = append(parts, health.Part{Company: health.CompanyState{Company: m.Named()}, Report: health.Check(c.input)})
			limit, _ := m.Client.RateLimit()
			d.Samples = append(d.Samples, health.Sample{Report: parts[len(parts)-1].Report, Company: m.Path(), LastSuccess: c.at, RateLimit: limit})
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, l := range notBegun {
		parts = append(parts, d.fail(ctx, l.Company, l.Err, 0))
	}
	if d.wanted != nil {
		d.Flags.Manifest = d.against.repeated()
	}
	if d.Many = run.Many; d.Many {
		d.Flags.Companies = d.fleet.again()
		d.Report = health.Merge(parts, d.rules, time.Since(start))
		return nil
	}
	d.Report, d.Login = parts[0].Report, d.Samples[0].Company
	return nil
}

// checked is the result of one account; at is zero if its check was not started.
type checked struct {
	input health.Input
	at    time.Time
	took  time.Duration
	err   error
}

// fail adds the report of an account that could not be checked.
func (d *checking) fail(ctx context.Context, c fleet.Company, err error, took time.Duration) health.Part {
	if s, stopped := errors.AsType[signaled](context.Cause(ctx)); stopped {
		err = &interrupted{s.signal, err}
	}
	f := describe(d.settings, err)
	report := health.Unreachable(timedOut(ctx, d.settings, f).problem(d.run, d.redact), d.stateOf(f), took)
	d.Samples = append(d.Samples, health.Sample{Report: report, Company: c.Path(), Reason: health.ReasonOf(err)})
	return health.Part{Company: health.CompanyState{Company: c.Named()}, Report: report}
}

// input requests the subscriptions of one company.
func (d *checking) input(ctx context.Context, m fleet.Account, start time.Time) (health.Input, error) {
	fields := ""
	if d.Output.Format == health.FormatTable {
		fields = tripletex.WithChanges // for the time of the last change
	}
	found, absent, err := match.Select(ctx, m.Client, d.selection.filter, fields)
	if err != nil {
		return health.Input{}, err
	}
	in := health.Input{Subscriptions: found, Absent: absent, Rules: d.rules, CompanyID: m.CompanyID}
	if d.wanted != nil {
		wanted, _ := d.wanted.For(manifestCompany(m)) // empty if the manifest is for other companies
		want, _, err := d.events.Expand(ctx, m.Client, wanted)
		if err != nil {
			return in, err
		}
		in.Manifest = health.Compare(want, found)
	}
	in.Took = time.Since(start)
	return in, nil
}

// stateOf returns the state for a failed request: --unreachable-state if Tripletex was not reached, else UNKNOWN.
func (o *checkOptions) stateOf(f *failure) health.State {
	if f.exit == exitUnavailable || f.exit == exitAuth {
		return o.unreachable
	}
	return health.Unknown
}

// timedOut adds the time limit of the run and the operation to a timeout; other failures are returned unchanged.
func timedOut(ctx context.Context, settings *config.Settings, f *failure) *failure {
	e, ok := errors.AsType[*tripletex.Error](f.err)
	if !ok || e.Kind != tripletex.Timeout || ctx.Err() == nil {
		return f
	}
	of := failf(f.code, "%s: timed out after %s", e.Operation, wait.Text(settings.Timeout))
	of.hint = f.hint
	return of
}

// lastDeliveries sets the time of the last delivery of each silence from the journal.
func lastDeliveries(ctx context.Context, lookup config.Lookup, folder string, all []health.Silence) []health.Silence {
	if len(all) == 0 {
		return nil
	}
	j, err := attach(lookup, folder)
	for i := range all {
		if all[i].Err = err; err == nil {
			all[i].Last, all[i].Err = j.LastReceived(ctx, all[i].Event)
		}
	}
	if err == nil {
		_ = j.Close() // nothing was written
	}
	return all
}

// reportFormats returns the formats of check in the order of annotationFormats.
func reportFormats() []string {
	var names []string
	for _, f := range health.Formats() {
		names = append(names, string(f))
	}
	return names
}
