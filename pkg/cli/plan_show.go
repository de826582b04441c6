package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// show prints the plans as a result. The exit code is 1 for differences and 7 if a plan failed.
func (p *companyPlans) show(ctx context.Context) error {
	if len(p.plans) > 0 {
		if err := p.print(ctx); err != nil {
			return err
		}
	}
	if err := p.run.End(p.failed, p.run.Count(), len(p.plans) == 0); err != nil {
		return err
	}
	sum, changing := p.sum()
	if changing == 0 {
		p.note("nothing to do%s%s", p.scope(0), p.unmanaged(sum))
		return nil
	}
	return failf(codeDifferences, "differences found%s: %s%s", p.scope(changing), sum.Summary(), p.unmanaged(sum))
}

// print prints the plans: the plan itself for one company, a list for many.
func (p *companyPlans) print(ctx context.Context) error {
	switch format := planFormatOf(p.settings, p.printer.IsTable()); {
	case format == planMarkdown:
		return p.printMarkdown(p.terminal.Out)
	case format == planLines:
		text, err := p.lines(ctx, *p.terminal)
		if err == nil {
			_, err = fmt.Fprint(p.terminal.Out, text)
		}
		return err
	case format == planRows && p.run.Many:
		return output.List(ctx, p.printer, companyChangeTable(), p.changes())
	case format == planRows:
		return output.List(ctx, p.printer, changeTable(), p.plans[0].Changes)
	case p.run.Many:
		return output.List(ctx, p.printer, companyMatrix(), p.plans)
	default:
		return output.Item(ctx, p.printer, output.Table[manifest.Plan]{}, p.plans[0].Plan)
	}
}

func (p *companyPlans) printMarkdown(out io.Writer) error {
	if !p.run.Many {
		_, err := fmt.Fprint(out, p.plans[0].Markdown())
		return err
	}
	for _, one := range p.notable() {
		title := strings.ReplaceAll(terminal.Safe(one.Label()), "`", "'")
		if _, err := fmt.Fprintf(out, "## `%s`\n\n%s\n", title, one.Markdown()); err != nil {
			return err
		}
	}
	return nil
}

func (p *companyPlans) changes() []changeIn {
	var rows []changeIn
	for _, one := range p.plans {
		for _, change := range one.Changes {
			rows = append(rows, changeIn{one.Company, change})
		}
	}
	return rows
}

// notable returns the plans that have changes or notes.
func (p *companyPlans) notable() []companyPlan {
	return slices.DeleteFunc(slices.Clone(p.plans), func(one companyPlan) bool { return one.Empty() && len(one.Notes) == 0 })
}

// lines returns the changes and notes as text, with their number in the last line. For many companies a matrix comes first,
// and companies with the same plan are grouped.
func (p *companyPlans) lines(ctx context.Context, to terminal.Terminal) (string, error) {
	text, err := p.details(ctx, to)
	if sum, changing := p.sum(); err == nil && changing > 0 {
		text += fmt.Sprintf("\nPlan: %s%s\n", sum.Summary(), p.scope(changing))
	}
	return text, err
}

// details returns the changes and notes as text.
func (p *companyPlans) details(ctx context.Context, to terminal.Terminal) (string, error) {
	notable := p.notable()
	if len(notable) == 0 {
		return "", nil
	}
	if !p.run.Many {
		return manifest.Text(notable[0].Lines(), to.Color), nil
	}
	var text strings.Builder
	to.Out = &text
	printer, err := output.New(output.Options{Format: output.TableFormat}, &to)
	if err != nil {
		return "", err
	}
	err = output.List(ctx, printer, companyMatrix(), notable)
	for _, group := range manifest.Groups(plansOf(notable)) {
		title := notable[group.First].Label()
		if group.Count > 1 {
			title += fmt.Sprintf(" and %d more", group.Count-1)
		}
		fmt.Fprintf(&text, "\n%s\n%s", terminal.Safe(title), manifest.Text(group.Lines, to.Color))
	}
	return text.String(), err
}

// companyMatrix is the table of the number of changes by action, with a row for each company.
func companyMatrix() output.Table[companyPlan] {
	type c = companyPlan
	count := func(name, title string, number func(c) int) output.Column[c] {
		return output.Column[c]{Name: name, Title: title, Text: func(v c) string {
			if number(v) == 0 {
				return "."
			}
			return strconv.Itoa(number(v))
		}}
	}
	return output.Table[c]{
		ID: func(v c) string { return strconv.FormatInt(v.CompanyID, 10) },
		Columns: []output.Column[c]{
			{Name: "companyName", Title: "COMPANY", Text: func(v c) string { return v.Label() }, Shrinks: true},
			count("create", "+", func(v c) int { return v.Create }),
			count("update", "~", func(v c) int { return v.Update }),
			count("delete", "-", func(v c) int { return v.Delete }),
			count("notes", "!", func(v c) int { return len(v.Notes) }),
		},
	}
}

// planFormat is a format of plans.
type planFormat int

const (
	planMarkdown planFormat = iota
	planLines               // text
	planRows                // one row per change
	planItem                // JSON or YAML
)

func planFormatOf(s *config.Settings, screen bool) planFormat {
	switch {
	case s.Output == githubFormat:
		return planMarkdown
	case screen, s.Output == "" && s.JQ == "" && s.Template == "":
		return planLines
	case s.JQ == "" && s.Template == "" && isRows(output.Format(s.Output)):
		return planRows
	default:
		return planItem
	}
}

func isRows(f output.Format) bool {
	return f == output.TSVFormat || f == output.CSVFormat || f == output.NameFormat
}
