package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/doctor"
	"github.com/tlxhook/tlxhook/pkg/login"
	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// doctorOptions are the flags of doctor.
type doctorOptions struct {
	manifest manifestFlags
	journal  string
	bundle   string
}

func newDoctor(app *App) *cobra.Command {
	o := &doctorOptions{}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Diagnose configuration and connectivity",
		Long: `Diagnose configuration and connectivity: settings, files, disk, journal,
keyring, network, clock, login, permissions, subscriptions, and with --file a
manifest. Each finding has a repair. Nothing is changed, except that a new
session is stored. To diagnose a target, use tlxhook doctor target URL.

A check is ok, warning, failed, or skipped if its requirements are not met. The
exit code is 1 if a check failed, 3 if --timeout expired before all checks ran,
and 0 with warnings.

--bundle writes the findings and settings, without secrets, to a zip file for
support.`,
		Example: `  tlxhook doctor
  tlxhook doctor --jq 'map(select(.state == "failed"))'
  tlxhook doctor -f hooks.yaml --bundle support.zip
  tlxhook doctor target https://hooks.example.no/tripletex`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return app.interruptible(cmd.Context(), func(ctx context.Context) error { return examine(ctx, app, o, app.prepare(ctx, cmd)) })
		},
	}
	o.manifest.bind(cmd)
	bindJournal(cmd, &o.journal)
	cmd.Flags().StringVar(&o.bundle, "bundle", "", "write the findings, without secrets, to a new zip `FILE`")
	cmd.AddCommand(newDoctorTarget(app))
	return cmd
}

func examine(ctx context.Context, app *App, o *doctorOptions, broken error) (err error) {
	if broken != nil { // reported by a check
		app.settings = &config.Settings{Timeout: defaultTimeout}
		if app.printer, err = output.New(output.Options{}, app.terminal); err != nil {
			return err
		}
	}
	ctx, cancel := app.limited(ctx)
	defer cancel()
	i := o.installation(app)
	i.SettingsErr = broken
	found, err := printFindings(ctx, &app.console, app.redactor.Redact, doctor.Examine(ctx, i.Checks()))
	if err != nil {
		return err
	}
	if o.bundle != "" {
		if err := writeBundle(app.redactor.Redact, app.build.info(), o.bundle, i, found); err != nil {
			return err
		}
		app.note("Wrote %s. Review it before you send it", o.bundle)
	}
	return healthy(ctx, found)
}

// installation returns the installation to check.
func (o *doctorOptions) installation(app *App) *doctor.Installation {
	folders, _ := config.NewFolders(app.lookup) // the error is reported by a check
	b := app.build.info()
	i := &doctor.Installation{
		Version:  fmt.Sprintf("tlxhook %s, %s, %s", b.Version, b.Go, b.Platform),
		Settings: app.settings, Environ: app.environ, Lookup: app.lookup, Journal: o.journal,
		File: app.logins().Store(login.FileStore, folders), Keyring: app.logins().Store(login.KeyringStore, folders),
		BaseURL: app.logins().BaseURL(), Login: func(ctx context.Context) (doctor.Login, error) { return doctor.OpenLogin(ctx, app.logins()) },
		Flags: doctor.Flags{Login: app.given.login(), Journal: app.given.journal, Manifest: o.manifest.repeated()},
		Describe: func(err error) (text, hint string) {
			f := describe(app.settings, err)
			return f.text(), f.hint.text(app.given)
		},
	}
	if len(o.manifest.files) > 0 {
		i.Manifest = &doctor.Manifest{
			Read:    func(ctx context.Context) (*manifest.Manifest, error) { return o.manifest.read(ctx, app.terminal.In) },
			Secret:  secretFinder(app.secrets(), false).Find,
			Company: manifest.Company{ID: app.settings.Company},
		}
	}
	return i
}

// bundle is the content of a --bundle file.
type bundle struct {
	Build buildInfo `json:"build"`
	doctor.Report
	Profiles []profileRow `json:"profiles"`
}

// writeBundle writes a bundle into a new file, without secrets.
func writeBundle(redact func(string) string, build buildInfo, path string, i *doctor.Installation, found []doctor.Finding) error {
	raw, err := output.MarshalJSON(bundle{build, i.Report(found), profileRows(i.Profiles())})
	if err != nil {
		return err
	}
	err = doctor.WriteBundle(path, []byte(redact(string(raw))+"\n"))
	switch {
	case errors.Is(err, fs.ErrExist):
		return usageFailure("--bundle: %s already exists", path).withHint("pass the name of a new file")
	case err != nil:
		return localFailure("write the bundle", err)
	}
	return nil
}

// healthy returns an error if a check has failed, or if the time was over before all had run.
func healthy(ctx context.Context, found []doctor.Finding) error {
	failed, late := 0, false
	for _, f := range found {
		if f.State == doctor.Failed {
			failed++
		}
		late = late || f.OutOfTime
	}
	switch {
	case failed > 0:
		return failf(codeUnhealthy, "%d of %d checks failed", failed, len(found))
	case late:
		return ctx.Err()
	default:
		return nil
	}
}

// printFindings prints findings: each immediately in a table, all at the end in other formats.
func printFindings(
	ctx context.Context, c *console, redact func(string) string, findings iter.Seq[doctor.Finding],
) ([]doctor.Finding, error) {
	all := []doctor.Finding{}
	for f := range findings {
		if errors.Is(ctx.Err(), context.Canceled) { // a signal: the finding is about the interruption
			return all, ctx.Err()
		}
		f.Text, f.Repair = terminal.Clip(redact(f.Text)), terminal.Clip(redact(f.Repair))
		all = append(all, f)
		if !c.printer.IsTable() {
			continue
		}
		if _, err := io.WriteString(c.terminal.Out, f.Lines(c.terminal.Width, c.terminal.Color)); err != nil {
			return all, err
		}
	}
	if c.printer.IsTable() {
		return all, nil
	}
	return all, output.List(ctx, c.printer, output.TableOf[doctor.Finding](nil), all)
}
