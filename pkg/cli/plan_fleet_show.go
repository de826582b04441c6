package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// print prints the plans as a result.
func (c *companyPlans) print(ctx context.Context, app *App) error {
	switch app.planFormat() {
	case planMarkdown:
		for _, p := range c.plans {
			if p.Empty() && len(p.Notes) == 0 {
				continue
			}
			if _, err := fmt.Fprintf(app.terminal.Out, "## `%s`\n\n%s\n", strings.ReplaceAll(terminal.Safe(p.label()), "`", "'"), p.Markdown()); err != nil {
				return err
			}
		}
		return nil
	case planLines:
		text, err := c.lines(ctx, app.terminal, app.terminal.Color)
		if err == nil {
			_, err = fmt.Fprint(app.terminal.Out, text)
		}
		return err
	case planRows:
		var rows []changeIn
		for _, p := range c.plans {
			for _, change := range p.Changes {
				rows = append(rows, changeIn{p.ofCompany, change})
			}
		}
		return output.List(ctx, app.printer, companyChangeTable(), rows)
	default:
		return output.List(ctx, app.printer, companyMatrix(), c.plans)
	}
}

// lines returns for a person a matrix of the companies where there is something to do or to know, and what that is.
func (c *companyPlans) lines(ctx context.Context, t *terminal.Terminal, color bool) (string, error) {
	var text strings.Builder
	to := *t
	to.Out = &text
	printer, err := output.New(output.Options{Format: output.TableFormat}, &to)
	if err != nil {
		return "", err
	}
	busy := slices.DeleteFunc(slices.Clone(c.plans), func(p companyPlan) bool { return p.Empty() && len(p.Notes) == 0 })
	if len(busy) == 0 {
		return "", nil
	}
	err = output.List(ctx, printer, companyMatrix(), busy)
	for _, same := range alike(busy) {
		fmt.Fprintf(&text, "\n%s\n%s", terminal.Safe(same.title()), painted(same.lines, color))
	}
	return text.String(), err
}

// alikePlans are plans that say the same of their companies, as most do where one manifest serves all.
type alikePlans struct {
	first companyPlan
	more  int // companies
	lines []manifest.Line
}

// alike returns what there is to say, each once, in the order in which it is first said.
func alike(all []companyPlan) []*alikePlans {
	var different []*alikePlans
	known := map[string]*alikePlans{}
	for _, p := range all {
		lines := p.Lines()
		said := painted(lines, false)
		if same := known[said]; same != nil {
			same.more++
			continue
		}
		known[said] = &alikePlans{first: p, lines: lines}
		different = append(different, known[said])
	}
	return different
}

func (a *alikePlans) title() string {
	if a.more == 0 {
		return a.first.label()
	}
	return fmt.Sprintf("%s and %d more", a.first.label(), a.more)
}

// companyMatrix has a company in each line and what would be done to it in columns.
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
			{Name: "companyName", Title: "COMPANY", Text: func(v c) string { return v.label() }, Shrinks: true},
			count("create", "+", func(v c) int { return v.Create }),
			count("update", "~", func(v c) int { return v.Update }),
			count("delete", "-", func(v c) int { return v.Delete }),
			count("notes", "!", func(v c) int { return len(v.Notes) }),
		},
	}
}
