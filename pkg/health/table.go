package health

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

const (
	// maxRows is the number of issues that a table shows.
	maxRows = 50
	// maxIDs is the number of IDs that a suggested command lists.
	maxIDs = 10
)

// table renders the summary, the issues, and the commands that repair them.
func (d Document) table(ctx context.Context, t *terminal.Terminal) ([]byte, error) {
	var out bytes.Buffer
	state := string(d.Report.State)
	if t.Color {
		state = d.Report.State.Style().Paint(state)
	}
	fmt.Fprintf(&out, "%s: %s\n", state, terminal.Safe(d.Report.Summary))
	if p := d.Report.Problem; p != nil && p.Hint != "" {
		fmt.Fprintf(&out, "hint: %s\n", terminal.Safe(p.Hint))
	}
	issues := d.Report.Issues()
	if len(issues) == 0 {
		return out.Bytes(), nil
	}
	to := *t
	to.Out = &out
	p, err := output.New(output.Options{Format: output.TableFormat}, &to)
	if err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	if err := output.List(ctx, p, issueTable(d.Many), issues[:min(len(issues), maxRows)]); err != nil {
		return nil, err
	}
	if more := len(issues) - maxRows; more > 0 {
		fmt.Fprintf(&out, "and %d more; -o json shows all\n", more)
	}
	for _, text := range append(d.Report.outages(), d.repairs()...) {
		fmt.Fprintf(&out, "\n%s\n", text)
	}
	return out.Bytes(), nil
}

// issueTable returns the table of issues, with a company column in a report on many companies.
func issueTable(many bool) output.Table[Issue] {
	table := output.TableOf([]output.Column[Issue]{{Name: "status", Style: func(i Issue) terminal.Style { return i.State.Style() }}})
	if many {
		company := output.Columns([]output.Column[Issue]{{Name: "companyName", Title: "COMPANY", Shrinks: true}})
		table.Columns = append(company, table.Columns...)
	}
	return table
}

// outages lists the unreachable companies with the causes.
func (r *Report) outages() []string {
	var lines []string
	for _, c := range r.Companies {
		if c.Problem != nil {
			lines = append(lines, terminal.Safe("  "+c.Label()+": "+c.Problem.Message))
		}
	}
	if len(lines) == 0 {
		return nil
	}
	if more := len(lines) - maxNamed; more > 0 {
		lines = append(lines[:maxNamed], fmt.Sprintf("  and %d more", more))
	}
	return []string{"Unreachable companies:\n" + strings.Join(lines, "\n")}
}

// repairs returns the commands that repair the issues, each with an introduction.
func (d Document) repairs() []string {
	var disabled []string
	var unknown, duplicate string
	for _, f := range d.Report.Subscriptions {
		switch id := strconv.FormatInt(f.ID, 10); {
		case f.State == OK:
		case strings.HasPrefix(string(f.Status), string(tripletex.Disabled)):
			disabled = append(disabled, id)
		case f.Status == tripletex.Active: // a duplicate
			duplicate = cmp.Or(duplicate, d.companyFlag(f)+" subscription delete "+id)
		default:
			unknown = cmp.Or(unknown, d.companyFlag(f)+" subscription show "+id)
		}
	}
	var texts []string
	if len(disabled) > maxIDs || len(disabled) > 0 && d.Many { // an id belongs to one company
		disabled = []string{"--status 'DISABLED*'" + d.Flags.Companies}
	}
	tlxhook := "\n  tlxhook" + d.Flags.Login
	if len(disabled) > 0 {
		texts = append(texts, "Enable again once the receiver responds:"+tlxhook+" subscription enable "+strings.Join(disabled,
			" ")+" --probe")
	}
	if duplicate != "" {
		texts = append(texts, "Each event arrives twice; to delete a duplicate:"+tlxhook+duplicate)
	}
	if unknown != "" {
		texts = append(texts, "Inspect the unknown status:"+tlxhook+unknown)
	}
	switch manifest := d.Flags.Manifest; {
	case manifest != "" && len(d.Report.Missing)+len(d.Report.Drifting) > 0:
		arguments := manifest + d.Flags.Companies
		texts = append(texts, "Show and fix drift from the manifest:"+tlxhook+" diff"+arguments+tlxhook+" apply"+arguments)
	case len(d.Report.Missing) > 0:
		texts = append(texts, "List existing subscriptions:"+tlxhook+" subscription list"+d.Flags.Companies)
	}
	return texts
}

// companyFlag returns the flag that selects the company of a finding.
func (d Document) companyFlag(f Finding) string {
	if !d.Many || f.CompanyID == 0 {
		return ""
	}
	return fmt.Sprintf(" --company %d", f.CompanyID)
}
