package output

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"

	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// gap separates the columns of a table.
const gap = "  "

// narrowest is the minimum width of a truncated column.
const narrowest = 12

// writeTable writes columns with a header: the main ones, truncated to the width of the screen, or in the wide format
// every column that is not empty.
func (p *Printer) writeTable(all []erased, items []any) error {
	if len(items) == 0 {
		return nil // an empty list has no header
	}
	columns := visibleColumns(p.format == WideFormat, all, items)
	header := make([]string, len(columns))
	for j, column := range columns {
		header[j] = column.title
	}
	rows := make([][]string, len(items))
	for i := range items {
		rows[i] = make([]string, len(columns))
		for j, column := range columns {
			rows[i][j] = column.shown(items[i])
		}
	}
	if p.width > 0 && p.format != WideFormat {
		fit(header, rows, p.width, func(j int) bool { return columns[j].shrinks })
	}
	for i := range items {
		for j, column := range columns {
			rows[i][j] = p.paint(column, items[i], rows[i][j])
		}
	}
	if p.color {
		for j := range header {
			header[j] = terminal.Bold.Paint(header[j])
		}
	}
	return render(p.out, header, rows)
}

// visibleColumns returns the main columns; in the wide format, the others that are not empty too.
func visibleColumns(wide bool, all []erased, items []any) []*erased {
	var columns []*erased
	for j := range all {
		column := &all[j]
		filled := func(item any) bool { return column.text(item) != "" }
		if !column.detail || wide && slices.ContainsFunc(items, filled) {
			columns = append(columns, column)
		}
	}
	return columns
}

// shown returns a cell of a table: safe text, and a time in the local time zone.
func (c *erased) shown(item any) string {
	text := c.text(item)
	if len(text) < len("2006-01-02T15:04:05Z") || text[10] != 'T' {
		return terminal.Safe(text)
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return terminal.LocalTime(at)
	}
	return terminal.Safe(text)
}

// writeDetails writes every column of one item, one per line.
func (p *Printer) writeDetails(columns []erased, item any) error {
	rows := make([][]string, 0, len(columns))
	for i := range columns {
		column := &columns[i]
		title, text := column.title, column.shown(item)
		if text == "" {
			continue
		}
		if p.color {
			title = terminal.Bold.Paint(title)
		}
		rows = append(rows, []string{title, p.paint(column, item, text)})
	}
	return render(p.out, nil, rows)
}

func (p *Printer) paint(column *erased, item any, text string) string {
	if !p.color || column.style == nil || text == "" {
		return text
	}
	return column.style(item).Paint(text)
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
				row[j] = truncate(row[j], widths[j])
			}
		}
	}
}

// truncate shortens a cell to a width of at least [narrowest]. A URL is shortened in the middle, because host and end
// distinguish targets.
func truncate(cell string, width int) string {
	scheme, _, isURL := strings.Cut(cell, "://")
	if !isURL || scheme != "http" && scheme != "https" {
		return twwidth.Truncate(cell, width, "…")
	}
	end := cell
	for twwidth.Width(end) > width/3 {
		_, size := utf8.DecodeRuneInString(end)
		end = end[size:]
	}
	return twwidth.Truncate(cell, width-twwidth.Width(end), "…") + end
}

// render aligns rows with the table library and trims trailing blanks.
func render(out io.Writer, header []string, rows [][]string) error {
	// The table library caches the width of every cell; a long-running process must empty the cache.
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
