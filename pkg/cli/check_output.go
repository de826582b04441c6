package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// showReport writes a report to standard output, and its problem to standard error if the format cannot contain it.
func (c *console) showReport(ctx context.Context, d health.Document) error {
	raw, err := d.Render(ctx, c.terminal)
	if err != nil {
		return err
	}
	switch p, format := d.Report.Problem, d.Output.Format; {
	case p != nil && (format == health.FormatPrometheus || format == health.FormatZabbix):
		c.report(failf(codeUnavailable, "%s", p.Message).withHint("%s", p.Hint), false)
	case p == nil && format == health.FormatZabbix && d.Report.Incomplete():
		const hint = "run the check again; nothing was printed, as Zabbix deletes entries that are missing in the list"
		c.report(failf(codePartial, "%s", d.Report.Summary).withHint(hint), false)
	}
	_, err = c.terminal.Out.Write(raw)
	return err
}

// writeReport writes a report to path, unless it is empty, and to the job summary on GitHub.
func (a *App) writeReport(ctx context.Context, path string, d health.Document) error {
	if path != "" {
		raw, err := d.Render(ctx, &terminal.Terminal{Redact: a.redactor.RedactResult})
		if err != nil {
			return err
		}
		if err := config.WriteReport(path, []byte(a.redactor.RedactResult(string(raw)))); err != nil {
			return writeError(path, err)
		}
	}
	if summary, _ := a.lookup("GITHUB_STEP_SUMMARY"); summary != "" && d.Output.Format == health.FormatGitHub {
		if err := appendTo(summary, []byte(a.redactor.RedactResult(string(d.Report.GitHubSummary())))); err != nil {
			return writeError(summary, err)
		}
	}
	return nil
}

// writeError adds the requested path to an error, which may name a temporary file instead.
func writeError(path string, err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return fmt.Errorf("write %s: %w", path, err)
}

func appendTo(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return errors.Join(err, file.Close())
}

// isPlugin reports whether a command is a monitoring plugin: it always prints a result and exits with 0 to 3.
func isPlugin(cmd *cobra.Command) bool { return cmd.Annotations[annotationPlugin] != "" }

// meansPlugin reports whether a command line, valid or not, names a plugin: cobra does not find the command after an
// invalid flag.
func meansPlugin(root *cobra.Command, args []string) bool {
	command, _, err := root.Find(args)
	if err != nil || command != root {
		return err == nil && isPlugin(command)
	}
	return slices.ContainsFunc(root.Commands(), func(c *cobra.Command) bool { return isPlugin(c) && slices.Contains(args, c.Name()) })
}

// pluginVerdict is returned by a plugin that has printed its result.
type pluginVerdict struct{ state health.State }

func (v pluginVerdict) Error() string { return string(v.state) }

// runPlugin runs a plugin. Signals, including SIGPIPE, stay ignored until the process has ended, as a signal after the
// result must not change the exit code.
func (a *App) runPlugin(ctx context.Context, root *cobra.Command, args []string) (code int) {
	ignored := make(chan os.Signal, 1)
	signal.Notify(ignored, append(endingSignals(), syscall.SIGPIPE)...)
	if ctx.Done() != nil { // another command runs this one and continues
		defer signal.Stop(ignored)
	}
	defer func() {
		if recover() != nil { // reporting the error failed too
			code = health.Unknown.ExitCode()
		}
	}()
	err := a.execute(ctx, root, args)
	if v, ok := errors.AsType[pluginVerdict](err); ok && a.results.err == nil {
		return v.state.ExitCode()
	}
	if err == nil {
		return exitOK
	}
	return a.endPlugin(ctx, args, err)
}

// endPlugin prints an error as the result of a plugin.
func (a *App) endPlugin(ctx context.Context, args []string, err error) int {
	if a.results.err != nil {
		return a.reportUnknown(describe(a.settings, a.results.err))
	}
	f := describe(a.settings, err)
	d := health.Document{
		Report: health.Unreachable(f.problem(a.given, a.redactor.Redact), health.Unknown, 0),
		Output: output.Options{Format: output.Format(a.formatOf(args))},
	}
	d.Samples = []health.Sample{{Report: d.Report, Reason: f.reason()}}
	if path := outputFileOf(args); path != "" {
		if err := a.writeReport(ctx, path, d); err != nil {
			a.report(localFailure("write the report", err), false)
		}
		d.Output = output.Options{}
	}
	if err := a.showReport(ctx, d); err != nil {
		return a.reportUnknown(describe(a.settings, err))
	}
	if b, ok := errors.AsType[*bug](err); ok {
		_, _ = a.terminal.Err.Write(b.stack)
	}
	return health.Unknown.ExitCode()
}

// reportUnknown reports a failure on standard error and returns the exit code of UNKNOWN.
func (c *console) reportUnknown(f *failure) int {
	c.report(f, false)
	return health.Unknown.ExitCode()
}
