package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/calibrate"
	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/login"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// The formats of sandbox calibrate besides the common ones.
const (
	markdownFormat = "markdown"
	junitFormat    = "junit"
)

// calibrateOptions are the flags of sandbox calibrate.
type calibrateOptions struct {
	second, report string
	yes            bool
	deliveryFlags
}

// deliveryFlags enable the experiments that receive deliveries.
type deliveryFlags struct {
	object, address, publicURL string
	tunnel                     tunnelFlags
	wait                       time.Duration
}

func newSandboxCalibrate(app *App) *cobra.Command {
	o := &calibrateOptions{}
	cmd := &cobra.Command{
		Use:   "calibrate",
		Short: "Compare the sandbox with a test account",
		Long: `Compare the assumptions of the sandbox with a Tripletex test account, switch by
switch. The production environment is refused.

The command sends at most 80 requests. It creates disabled subscriptions with
the reserved host calibrate.invalid and deletes them at the end, also after
Ctrl-C. Leftovers of a killed run are deleted by the next one.

With --create-object customer and --public-url or --tunnel it also receives
deliveries: it creates active subscriptions and 4 customers, and deletes them.
Retries are observed as far as --wait allows; the first one may take minutes.

The report has no IDs, names or secrets. -o markdown is ready for an issue.
--report writes it as JSON for sandbox reset --from and sandbox serve --from.`,
		Example: `  tlxhook sandbox calibrate -p test --report report.json
  tlxhook sandbox calibrate -p test -o markdown --yes > issue.md
  tlxhook sandbox calibrate -p test --tunnel cloudflared \
    --create-object customer --wait 1h
  tlxhook sandbox reset --from report.json`,
		Args: noArgs,
		Annotations: map[string]string{
			annotationTimeout: "0s", annotationFormats: "table tsv csv json ndjson yaml " + markdownFormat + " " + junitFormat,
		},
		RunE: app.runUnlimited(func(ctx context.Context, _ []string) error { return sandboxCalibrate(ctx, app, o) }),
	}
	flags := cmd.Flags()
	flags.StringVar(&o.second, "second-profile", "", "`PROFILE` of another login to the same company, such as an accountant")
	flags.StringVar(&o.report, "report", "", "write the report as JSON to `FILE`")
	flags.StringVar(&o.object, "create-object", "", "allow the creation of objects of this `KIND`: customer")
	flags.StringVar(&o.publicURL, "public-url", "", "`URL` that reaches --addr from Tripletex")
	flags.StringVar(&o.address, "addr", "127.0.0.1:8080", "listen on `HOST:PORT` for deliveries")
	flags.DurationVar(&o.wait, "wait", 10*time.Minute, "wait at most `DURATION` for retries")
	o.tunnel.bind(cmd)
	flags.BoolVar(&o.yes, "yes", false, "skip the confirmation prompt")
	complete(cmd, "create-object", fixed("customer"))
	complete(cmd, "second-profile", app.complete.profiles)
	return cmd
}

func sandboxCalibrate(ctx context.Context, app *App, o *calibrateOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	if !o.yes && !app.terminal.IsInteractive() {
		return cannotPrompt()
	}
	if o.report != "" { // before the experiments
		if err := config.CheckReport(o.report); err != nil {
			return localFailure("write the report", err)
		}
	}
	options, err := o.options(ctx, app)
	if err != nil {
		return err
	}
	if err := o.confirm(ctx, app, options.BaseURL); err != nil {
		return err
	}
	ctx, cancel := app.limited(ctx)
	defer cancel()
	if o.object != "" {
		deliveries, stop, err := o.receive(ctx, app)
		if err != nil {
			return err
		}
		defer stop()
		options.Deliveries = deliveries
	}
	report, err := calibrate.Run(ctx, options)
	if report == nil {
		return err
	}
	if printErr := o.print(ctx, app, report); printErr != nil {
		return printErr
	}
	app.note("Switches: %d agree, %d differ, %d unclear, %d skipped",
		report.Count(calibrate.Agrees), report.Count(calibrate.Differs), report.Count(calibrate.Unclear), report.Count(calibrate.Skipped))
	return err
}

// check validates the flags that enable deliveries.
func (f *deliveryFlags) check() error {
	reached := f.publicURL != "" || f.tunnel.on()
	switch {
	case f.object != "" && f.object != "customer":
		return usageFailure("--create-object %q: must be customer", f.object)
	case reached != (f.object != ""):
		return usageFailure("deliveries require --create-object customer and one of --public-url and --tunnel")
	case f.wait < 0:
		return usageFailure("--wait must not be negative")
	}
	return f.tunnel.check(f.publicURL)
}

// options returns the options of the run without deliveries.
func (o *calibrateOptions) options(ctx context.Context, app *App) (calibrate.Options, error) {
	l, err := app.logins().Login(ctx)
	if err != nil {
		return calibrate.Options{}, err
	}
	if l.Source == "" {
		return calibrate.Options{}, &tripletex.Error{Kind: tripletex.Unauthorized, Err: tripletex.ErrNoCredentials}
	}
	if _, err := app.logins().Connect(l); err != nil { // the base URL may be one that no client uses
		return calibrate.Options{}, err
	}
	if err := calibrate.CheckBaseURL(l.Options.BaseURL, l.Options.PlainHTTP); err != nil {
		return calibrate.Options{}, err
	}
	options := calibrate.Options{
		BaseURL: l.Options.BaseURL, PlainHTTP: l.Options.PlainHTTP, Transport: l.Options.Transport, Login: o.login(app, l),
		Trace: app.logins().Trace, Secret: func(s secret.Text) { app.redactor.AddToken(s) }, Progress: app.task,
	}
	if o.second != "" {
		second, err := app.logins().FromProfile(ctx, o.second)
		if err != nil {
			return calibrate.Options{}, wrapFlag("--second-profile", err)
		}
		if second.Options.BaseURL != options.BaseURL {
			return calibrate.Options{}, usageFailure("--second-profile %s: it has another base URL", o.second)
		}
		other := o.login(app, second)
		options.Second = &other
	}
	return options, nil
}

func (o *calibrateOptions) login(app *App, l *login.Login) calibrate.Login {
	return calibrate.Login{Credentials: l.Options.Credentials, Company: app.settings.Company}
}

func (o *calibrateOptions) confirm(ctx context.Context, app *App, baseURL string) error {
	if o.yes {
		return nil
	}
	creates := "subscriptions"
	if o.object != "" {
		creates = "subscriptions and 4 customers"
	}
	return confirm(ctx, app.terminal, fmt.Sprintf("Send up to %d requests to %s, and create and delete %s there?",
		calibrate.MaxRequests, secret.MaskURL(baseURL), creates))
}

// receive returns the deliveries of the flags, and the function that ends them.
func (f *deliveryFlags) receive(ctx context.Context, app *App) (d *calibrate.Deliveries, stop func(), err error) {
	opened, err := f.tunnel.open(app)
	if err != nil {
		return nil, nil, err
	}
	return calibrate.Receive(ctx, calibrate.ReceiveOptions{
		Address: f.address, PublicURL: f.publicURL, Tunnel: opened, Wait: f.wait, Task: app.task, Note: app.note,
	})
}

// print prints the report and writes it to the file of --report.
func (o *calibrateOptions) print(ctx context.Context, app *App, report *calibrate.Report) error {
	if o.report != "" {
		raw, err := json.MarshalIndent(report, "", "  ")
		if err == nil {
			err = config.WriteReport(o.report, append(raw, '\n'))
		}
		if err != nil {
			return localFailure("write the report", err)
		}
	}
	var raw []byte
	switch app.settings.Output {
	case string(output.JSONFormat), string(output.YAMLFormat):
		return output.Item(ctx, app.printer, output.TableOf[calibrate.Report](nil), *report)
	case markdownFormat:
		raw = report.Markdown()
	case junitFormat:
		var err error
		if raw, err = report.JUnit(); err != nil {
			return err
		}
	default:
		return output.List(ctx, app.printer, findingTable(), report.Findings)
	}
	_, err := app.terminal.Out.Write(raw)
	return err
}

func findingTable() output.Table[calibrate.Finding] {
	type f = calibrate.Finding
	return output.TableOf([]output.Column[f]{
		{Name: "verdict", Style: func(v f) terminal.Style { return goodIf(v.Verdict == calibrate.Agrees) }},
		{Name: "evidence", Text: calibrate.Finding.Detail, Shrinks: true},
	})
}
