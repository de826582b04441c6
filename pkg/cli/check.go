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
		Short: "One verdict on subscriptions, for people, scripts and monitors",
		Long: `Say whether subscriptions still work, and exit as monitors expect it: 0 OK,
1 WARNING, 2 CRITICAL, 3 UNKNOWN, and nothing else.

ACTIVE is OK. DISABLED, which somebody did, is a WARNING. DISABLED_..., which
Tripletex did, is CRITICAL, and so it is that nothing matches or none is active.
A status that is not known is UNKNOWN, as when Tripletex cannot be asked.
A duplicate (same event and target) is a WARNING, and so is an event without a
delivery for longer than --max-silence, as the journal of listen shows.

--against MANIFEST also compares with a manifest: what is missing is CRITICAL,
what differs is a WARNING, and what the manifest wants DISABLED may be so.
Secrets are neither needed nor judged.

--all-companies gives one verdict on every client company that the login
reaches, the worst first; --profiles and --all-profiles on those of several
logins. Counts are summed. A company that cannot be asked is UNKNOWN, and never
hides what another one has.
` + selectionHelp + `

Formats for -o: table (default on a screen), nagios (default elsewhere), json,
prometheus, checkmk, zabbix-lld, github, junit. The whole run may take 8s, which
--timeout changes.

A RANGE says what is well, as for every monitoring plugin: 5 is 0 to 5, 1: is 1
or more, ~:10 is at most 10, @1:3 is anything but 1 to 3. A NAME is one of
active, disabled, too_many_errors, rate_limited, misuse, other, total.`,
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
	flags.VarP(thresholdFlag{&o.rules.Thresholds, health.Warning}, "warning", "w", "WARNING where a count is not in a range")
	flags.VarP(thresholdFlag{&o.rules.Thresholds, health.Critical}, "critical", "c", "CRITICAL where a count is not in a range")
	flags.Var((*stateFlag)(&o.rules.Disabled), "disabled-state", "what DISABLED means: ok, warning, critical or unknown")
	flags.Var((*stateFlag)(&o.unreachable), "unreachable-state", "what it means that Tripletex cannot be asked")
	flags.Var((*silenceFlag)(&o.silences), "max-silence", "WARNING without a delivery of EVENT for longer than TIME, such as 'order.*=48h'")
	bindJournal(cmd, &o.journal)
	flags.StringVar(&o.outputFile, "output-file", "", "write to `FILE`, as a whole; the verdict still goes to standard output")
	flags.BoolVar(&o.each, "per-subscription", false, "checkmk: a service for each; prometheus: also where there are many")
	o.against.bindAs(cmd, "against", "", "compare with a manifest: a `FILE` or folder; - is stdin")
	o.selection.bind(cmd, false)
	cmd.ValidArgsFunction = app.complete.subscriptions
	o.fleet.bindChoice(cmd)
	complete(cmd, "disabled-state", completeStates)
	complete(cmd, "unreachable-state", completeStates)
	complete(cmd, "warning", completeCounts)
	complete(cmd, "critical", completeCounts)
	return cmd
}

func check(ctx context.Context, app *App, o *checkOptions, args []string) (err error) {
	if err := o.selection.read(args, false, o.fleet.Many()); err != nil {
		return err
	}
	if o.unreachable == health.OK {
		return usageFailure("--unreachable-state ok would call it well that nobody was asked")
	}
	if len(o.against.files) > 0 && !o.selection.filter.Empty() {
		return usageFailure("--against and a choice of subscriptions exclude each other").
			withHint("a manifest is compared with all that there is")
	}
	if len(o.against.files) > 0 {
		if o.wanted, err = o.against.read(ctx, app.terminal.In); err != nil {
			return err
		}
		if err := o.fleet.requireCompanies(o.wanted); err != nil {
			return err
		}
	}
	d := checking{checkOptions: o, settings: app.settings, redact: app.redactor.Redact, Document: health.Document{
		Output: output.Options{Format: output.Format(app.settings.Output), JQ: app.settings.JQ, Template: app.settings.Template},
		Each:   o.each, All: app.settings.Verbose > 0, Flags: health.CommandFlags{Login: loginFlags(app.settings)},
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
	ctx = context.WithoutCancel(ctx) // the report is written in any case
	d.Report.AddSilences(lastDeliveries(ctx, app.lookup, o.journal, o.silences), time.Now())
	if err := writeReport(ctx, app.lookup, o.outputFile, d.Document); err != nil {
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

// checking is a check and its report so far.
type checking struct {
	*checkOptions
	health.Document

	settings *config.Settings
	redact   func(string) string
}

// ask makes the report of the accounts of the run, with one request for up to 1,000 subscriptions of each. An account that
// cannot be asked has a report of its own.
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

// checked is the answer of one account; at is zero where it was not begun.
type checked struct {
	input health.Input
	at    time.Time
	took  time.Duration
	err   error
}

// fail adds the report of an account that could not be asked.
func (d *checking) fail(ctx context.Context, c fleet.Company, err error, took time.Duration) health.Part {
	if s, stopped := errors.AsType[signaled](context.Cause(ctx)); stopped {
		err = &interrupted{s.signal, err}
	}
	f := describe(d.settings, err)
	report := health.Unreachable(timedOut(ctx, d.settings, f).problem(d.redact), d.stateOf(f), took)
	d.Samples = append(d.Samples, health.Sample{Report: report, Company: c.Path(), Reason: health.ReasonOf(err)})
	return health.Part{Company: health.CompanyState{Company: c.Named()}, Report: report}
}

// input asks one company.
func (d *checking) input(ctx context.Context, m fleet.Account, start time.Time) (health.Input, error) {
	fields := ""
	if d.Output.Format == health.FormatTable {
		fields = tripletex.WithChanges // a person asks since when
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

// stateOf returns what a failure to ask means: that the way to Tripletex is closed is for the user to judge.
func (o *checkOptions) stateOf(f *failure) health.State {
	if f.exit == exitUnavailable || f.exit == exitAuth {
		return o.unreachable
	}
	return health.Unknown
}

// timedOut says that the time for the whole run ended, and where.
func timedOut(ctx context.Context, settings *config.Settings, f *failure) *failure {
	e, ok := errors.AsType[*tripletex.Error](f.err)
	if !ok || e.Kind != tripletex.Timeout || ctx.Err() == nil {
		return f
	}
	return failf(f.code, "timed out after %s while trying to %s", settings.Timeout, e.Operation).withHint("%s", f.hint)
}

// lastDeliveries completes silences from the journal.
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

// silenceFlag is the value of --max-silence, which may be repeated.
type silenceFlag []health.Silence

func (f *silenceFlag) String() string { return "" }
func (f *silenceFlag) Type() string   { return "EVENT=TIME" }
func (f *silenceFlag) Set(text string) error {
	s, err := health.ParseSilence(text)
	*f = append(*f, s)
	return err
}

// thresholdFlag is the value of a flag that sets thresholds; it may be given more than once.
type thresholdFlag struct {
	to    *health.Thresholds
	state health.State
}

func (f thresholdFlag) String() string        { return "" }
func (f thresholdFlag) Type() string          { return "NAME=RANGE" }
func (f thresholdFlag) Set(text string) error { return f.to.Set(f.state, text) }

// stateFlag is the value of a flag that names a state.
type stateFlag health.State

func (f *stateFlag) String() string { return strings.ToLower(string(*f)) }
func (f *stateFlag) Type() string   { return "STATE" }
func (f *stateFlag) Set(text string) error {
	state, err := health.ParseState(text)
	*f = stateFlag(state)
	return err
}

// reportFormats returns the formats of check in the order that annotationFormats needs.
func reportFormats() []string {
	var names []string
	for _, f := range health.Formats() {
		names = append(names, string(f))
	}
	return names
}
