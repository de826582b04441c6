package health

import (
	"bytes"
	"context"
	"slices"

	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/promtext"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// The formats of a report.
const (
	FormatTable      output.Format = "table"
	FormatNagios     output.Format = "nagios"
	FormatJSON       output.Format = "json"
	FormatPrometheus output.Format = "prometheus"
	FormatCheckmk    output.Format = "checkmk"
	FormatZabbix     output.Format = "zabbix-lld"
	FormatGitHub     output.Format = "github"
	FormatJUnit      output.Format = "junit"
)

// Formats returns all formats: first the default in a terminal, second the default elsewhere.
func Formats() []output.Format {
	return []output.Format{FormatTable, FormatNagios, FormatJSON, FormatPrometheus, FormatCheckmk, FormatZabbix, FormatGitHub, FormatJUnit}
}

// Document is a report and the details that its formats add.
type Document struct {
	Report *Report
	// Output is the format, and a query or template for the JSON.
	Output output.Options
	// Login identifies the login and the company in formats for monitors; it may be empty.
	Login string
	// Samples are the metrics of each company for Prometheus. If empty, they are derived from the report.
	Samples []Sample
	// Many adds the company name to every row.
	Many bool
	// Each adds individual subscriptions to formats that show totals. All includes subscriptions without issues.
	Each, All bool
	Flags     CommandFlags
}

// CommandFlags are the flags of the suggested commands in a table. Each is empty or begins with a space.
type CommandFlags struct {
	// Login selects the login and Companies the companies; Manifest is the manifest argument.
	Login, Companies, Manifest string
}

// Render returns the document in its format. An unknown format, left by a usage error, means the default.
func (d Document) Render(ctx context.Context, t *terminal.Terminal) ([]byte, error) {
	if d.Output.JQ != "" || d.Output.Template != "" {
		return d.json(ctx, t)
	}
	format := d.Output.Format
	if !slices.Contains(Formats(), format) {
		format = FormatNagios
		if t.IsScreen() {
			format = FormatTable
		}
	}
	switch format {
	case FormatTable:
		return d.table(ctx, t)
	case FormatJSON:
		return d.json(ctx, t)
	case FormatPrometheus:
		return d.prometheus(), nil
	case FormatCheckmk:
		return d.Report.Checkmk(d.Login, d.Each), nil
	case FormatZabbix:
		return d.Report.ZabbixDiscovery(d.Login)
	case FormatGitHub:
		return d.Report.GitHub(), nil
	case FormatJUnit:
		return d.Report.JUnit(d.Login)
	default:
		return d.Report.Nagios(d.All), nil
	}
}

// prometheus renders a sample for each company.
func (d Document) prometheus() []byte {
	samples := slices.Clone(d.Samples)
	if len(samples) == 0 {
		samples = []Sample{{Report: d.Report, Company: d.Login}}
	}
	for i := range samples {
		samples[i].Each = d.Each || len(d.Report.Subscriptions) <= DefaultMaxSeries
	}
	var page promtext.Writer
	WriteMetrics(&page, samples...)
	return page.Bytes()
}

// json renders the report, or the result of a query.
func (d Document) json(ctx context.Context, t *terminal.Terminal) ([]byte, error) {
	var out bytes.Buffer
	to := *t
	to.Out = &out
	d.Output.Format = output.JSONFormat
	p, err := output.New(d.Output, &to)
	if err != nil {
		return nil, err
	}
	err = output.Item(ctx, p, output.Table[*Report]{}, d.Report)
	return out.Bytes(), err
}
