package output

import (
	"bytes"
	"io"
	"strings"

	"github.com/mattn/go-runewidth"
	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"

	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// gap separates the columns of a table.
const gap = "  "

// narrowest is the width to which a column may be truncated.
const narrowest = 12

// writeTable writes the main columns with a header, truncated to the width of the screen.
func writeTable[T any](p *Printer, table Table[T], items []T) error {
	if len(items) == 0 {
		return nil // an empty list has no header
	}
	var columns []*Column[T]
	header := []string{}
	for i := range table.Columns {
		if column := &table.Columns[i]; !column.Detail {
			columns = append(columns, column)
			header = append(header, column.Title)
		}
	}
	rows := make([][]string, len(items))
	for i := range items {
		rows[i] = make([]string, len(columns))
		for j, column := range columns {
			rows[i][j] = terminal.Safe(column.text(&items[i]))
		}
	}
	if p.width > 0 {
		fit(header, rows, p.width, func(j int) bool { return columns[j].Shrinks })
	}
	for i := range items {
		for j, column := range columns {
			rows[i][j] = paint(p, column, &items[i], rows[i][j])
		}
	}
	if p.color {
		for j := range header {
			header[j] = terminal.Bold.Paint(header[j])
		}
	}
	return render(p.out, header, rows)
}

// writeDetails writes every column of one item, one a line.
func writeDetails[T any](p *Printer, table Table[T], item T) error {
	rows := make([][]string, 0, len(table.Columns))
	for i := range table.Columns {
		column := &table.Columns[i]
		title, text := column.Title, terminal.Safe(column.text(&item))
		if text == "" {
			continue
		}
		if p.color {
			title = terminal.Bold.Paint(title)
		}
		rows = append(rows, []string{title, paint(p, column, &item, text)})
	}
	return render(p.out, nil, rows)
}

func paint[T any](p *Printer, column *Column[T], item *T, text string) string {
	if !p.color || column.Style == nil {
		return text
	}
	return column.Style(*item).Paint(text)
}

// fit truncates the columns that may shrink, the widest first, until rows fit the width.
func fit(header []string, rows [][]string, width int, shrinks func(int) bool) {
	widths := make([]int, len(header))
	total := len(gap) * (len(header) - 1)
	for j := range header {
		widths[j] = twwidth.Width(header[j])
		for _, row := range rows {
			widths[j] = max(widths[j], twwidth.Width(row[j]))
		}
		total += widths[j]
	}
	for ; total > width; total-- {
		widest := -1
		for j := range widths {
			if shrinks(j) && widths[j] > narrowest && (widest < 0 || widths[j] > widths[widest]) {
				widest = j
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
	}
	for _, row := range rows {
		for j := range row {
			if twwidth.Width(row[j]) > widths[j] {
				row[j] = twwidth.Truncate(row[j], widths[j], "…")
			}
		}
	}
}

// render aligns rows with the table library and trims trailing blanks.
func render(out io.Writer, header []string, rows [][]string) error {
	// The table library caches the width of every cell. A process that draws for days must empty the cache.
	defer twwidth.SetCondition(runewidth.NewCondition())
	var drawn bytes.Buffer
	cells := tw.CellConfig{
		Formatting: tw.CellFormatting{AutoWrap: tw.WrapNone, AutoFormat: tw.Off},
		Alignment:  tw.CellAlignment{Global: tw.AlignLeft},
		Padding:    tw.CellPadding{Global: tw.Padding{Right: gap, Overwrite: true}},
	}
	table := tablewriter.NewTable(
		&drawn,
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders: tw.BorderNone, Symbols: tw.NewSymbols(tw.StyleNone),
			Settings: tw.Settings{Lines: tw.LinesNone, Separators: tw.SeparatorsNone},
		})),
		tablewriter.WithConfig(tablewriter.Config{Header: cells, Row: cells, Behavior: tw.Behavior{TrimSpace: tw.Off}}),
	)
	if header != nil {
		table.Header(header)
	}
	if err := table.Bulk(rows); err != nil {
		return err
	}
	if err := table.Render(); err != nil {
		return err
	}
	var trimmed strings.Builder
	for line := range strings.Lines(drawn.String()) {
		trimmed.WriteString(strings.TrimRight(line, " \n"))
		trimmed.WriteByte('\n')
	}
	_, err := io.WriteString(out, trimmed.String())
	return err
}
