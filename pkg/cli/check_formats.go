package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/promtext"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// The formats of a report.
const (
	tableReport      = "table"
	nagiosReport     = "nagios"
	jsonReport       = "json"
	prometheusReport = "prometheus"
	checkmkReport    = "checkmk"
	zabbixReport     = "zabbix-lld"
	githubReport     = "github"
	junitReport      = "junit"
)

// reportFormats are in the order that decideFormat wants: first that on a screen, second that elsewhere.
func reportFormats() []string {
	return []string{tableReport, nagiosReport, jsonReport, prometheusReport, checkmkReport, zabbixReport, githubReport, junitReport}
}

// view is a report and what its formats need besides.
type view struct {
	report *health.Report
	output output.Options
	// login names the login and the company, or is empty.
	login string
	// sample is what Prometheus is told besides; samples are those of many companies.
	sample  health.Sample
	samples []health.Sample
	// many tells that the report is about several companies.
	many bool
	// each asks for single subscriptions where a format would show the sum, all for those that are well too.
	each, all bool
	// flags repeat the login on another command line, command the choice of companies.
	flags, command string
	// against names the manifest on another command line, or is empty.
	against string
}

// show writes a report to standard output. A format without words leaves them to standard error.
func (a *App) show(ctx context.Context, v view) error {
	raw, err := v.render(ctx, a.terminal)
	if err != nil {
		return err
	}
	if p := v.report.Problem; p != nil && slices.Contains([]string{prometheusReport, zabbixReport}, string(v.output.Format)) {
		a.report(failf(codeUnavailable, "%s", p.Message).withHint("%s", p.Hint), false)
	}
	if v.report.Problem == nil && v.output.Format == zabbixReport && len(v.silence()) > 0 {
		a.report(failf(codePartial, "%s", v.report.Summary).withHint("nothing is printed: Zabbix would delete what a shorter list lacks"), false)
	}
	_, err = a.terminal.Out.Write(raw)
	return err
}

// keep writes a report where others read it: to a file, and to the summary of a step on GitHub.
func (a *App) keep(ctx context.Context, path string, v *view) error {
	if path != "" {
		raw, err := v.render(ctx, &terminal.Terminal{})
		if err != nil {
			return err
		}
		if err := config.WriteReport(path, raw); err != nil {
			return unwritten(path, err)
		}
	}
	if summary, _ := a.lookup("GITHUB_STEP_SUMMARY"); summary != "" && v.output.Format == githubReport {
		if err := appendTo(summary, v.report.GitHubSummary()); err != nil {
			return unwritten(summary, err)
		}
	}
	return nil
}

// unwritten names the file that was meant: that of the error may be one beside it.
func unwritten(path string, err error) error {
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

// render returns a report as text for a terminal.
func (v view) render(ctx context.Context, t *terminal.Terminal) ([]byte, error) {
	if v.output.JQ != "" || v.output.Template != "" {
		return v.json(ctx, t)
	}
	format := string(v.output.Format)
	if !slices.Contains(reportFormats(), format) { // the command line was wrong
		format = nagiosReport
		if t.IsScreen() {
			format = tableReport
		}
	}
	switch format {
	case tableReport:
		return v.table(ctx, t)
	case jsonReport:
		return v.json(ctx, t)
	case prometheusReport:
		return v.prometheus(), nil
	case checkmkReport:
		return v.report.Checkmk(v.login, v.each), nil
	case zabbixReport:
		return v.report.ZabbixDiscovery(v.login)
	case githubReport:
		return v.report.GitHub(), nil
	case junitReport:
		return v.report.JUnit(v.login)
	default:
		return v.report.Nagios(v.all), nil
	}
}

// prometheus renders a sample for each company.
func (v view) prometheus() []byte {
	each := v.each || len(v.report.Subscriptions) <= health.MostSeries
	if len(v.samples) == 0 {
		v.sample.Report, v.sample.Company = v.report, v.login
		v.samples = []health.Sample{v.sample}
	}
	for i := range v.samples {
		v.samples[i].Each = each
	}
	var page promtext.Writer
	health.WriteMetrics(&page, v.samples...)
	return page.Bytes()
}

// json renders the report itself, or what a query makes of it.
func (v view) json(ctx context.Context, t *terminal.Terminal) ([]byte, error) {
	var out bytes.Buffer
	to := *t
	to.Out = &out
	v.output.Format = output.JSONFormat
	p, err := output.New(v.output, &to)
	if err != nil {
		return nil, err
	}
	err = output.Item(ctx, p, output.Table[*health.Report]{}, v.report)
	return out.Bytes(), err
}

// mostRows is how many rows a person is shown.
const mostRows = 50

// table renders what a person wants to know: what is wrong, since when, and the command that repairs it.
func (v view) table(ctx context.Context, t *terminal.Terminal) ([]byte, error) {
	var out bytes.Buffer
	state := string(v.report.State)
	if t.Color {
		state = v.report.State.Style().Paint(state)
	}
	fmt.Fprintf(&out, "%s: %s\n", state, terminal.Safe(v.report.Summary))
	if p := v.report.Problem; p != nil && p.Hint != "" {
		fmt.Fprintf(&out, "hint: %s\n", terminal.Safe(p.Hint))
	}
	troubles := v.report.Issues()
	if len(troubles) == 0 {
		return out.Bytes(), nil
	}
	to := *t
	to.Out = &out
	p, err := output.New(output.Options{Format: output.TableFormat}, &to)
	if err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	if err := output.List(ctx, p, issueTable(v.many), troubles[:min(len(troubles), mostRows)]); err != nil {
		return nil, err
	}
	if more := len(troubles) - mostRows; more > 0 {
		fmt.Fprintf(&out, "and %d more; -o json shows all\n", more)
	}
	for _, repair := range append(v.silence(), v.repairs()...) {
		fmt.Fprintf(&out, "\n%s\n", repair)
	}
	return out.Bytes(), nil
}

// silence says why companies could not be asked.
func (v view) silence() []string {
	var lines []string
	for _, c := range v.report.Companies {
		if c.Problem != nil {
			lines = append(lines, terminal.Safe("  "+c.Label()+": "+c.Problem.Message))
		}
	}
	if len(lines) == 0 {
		return nil
	}
	if more := len(lines) - mostNamed; more > 0 {
		lines = append(lines[:mostNamed], fmt.Sprintf("  and %d more", more))
	}
	return []string{"Could not be asked:\n" + strings.Join(lines, "\n")}
}

// mostNamed is how many companies a person is shown, and how many ids a command that repairs names one by one.
const mostNamed = 10

// repairs says what can be done, in words and as commands.
func (v view) repairs() []string {
	var off []string
	var unknown string
	for _, f := range v.report.Subscriptions {
		switch id := strconv.FormatInt(f.ID, 10); {
		case f.State == health.OK:
		case strings.HasPrefix(string(f.Status), string(tripletex.Disabled)):
			off = append(off, id)
		default:
			unknown = cmp.Or(unknown, v.inCompany(f)+" subscription show "+id)
		}
	}
	var texts []string
	if len(off) > mostNamed || len(off) > 0 && v.many { // an id is of one company
		off = []string{"--status 'DISABLED*'" + v.command}
	}
	if len(off) > 0 {
		texts = append(texts, "Once the receiver answers, switch on again:\n  tlxhook"+v.flags+" subscription enable "+strings.Join(off, " ")+" --probe")
	}
	if unknown != "" {
		texts = append(texts, "A status that this version does not know; more about it:\n  tlxhook"+v.flags+unknown)
	}
	switch compared := len(v.against) > 0; {
	case compared && len(v.report.Missing)+len(v.report.Drifting) > 0:
		texts = append(texts, "What differs from the manifest, and how to mend it:\n  tlxhook"+v.flags+" diff"+v.against+v.command+"\n  tlxhook"+v.flags+" apply"+v.against+v.command)
	case len(v.report.Missing) > 0:
		texts = append(texts, "What there is:\n  tlxhook"+v.flags+" subscription list"+v.command)
	}
	return texts
}

// inCompany returns the flags that lead to the company of a finding.
func (v view) inCompany(f health.Finding) string {
	if !v.many || f.CompanyID == 0 {
		return ""
	}
	return fmt.Sprintf(" --company %d", f.CompanyID)
}
