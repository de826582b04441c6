package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/health"
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
