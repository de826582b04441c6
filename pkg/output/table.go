package output

import (
	"bytes"
	"fmt"
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
const narrowest = 10

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
			rows[i][j] = terminal.ClipName(p.redacted(column.shown(items[i])))
		}
	}
	var hidden []string
	if p.width > 0 && p.format != WideFormat {
		kept := fit(header, rows, p.width, func(j int) bool { return columns[j].shrinks })
		header, hidden = header[:kept], header[kept:]
		for i := range rows {
			rows[i] = rows[i][:kept]
		}
	}
	for i := range items {
		for j := range rows[i] {
			rows[i][j] = p.paint(columns[j], items[i], rows[i][j])
		}
	}
	if p.color {
		for j := range header {
			header[j] = terminal.Bold.Paint(header[j])
		}
	}
	if err := render(p.out, header, rows); err != nil || len(hidden) == 0 {
		return err
	}
	_, err := fmt.Fprintf(p.out, "Hidden on this narrow screen: %s\n", strings.Join(hidden, ", "))
	return err
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
		title, text := column.title, terminal.Clip(p.redacted(column.shown(item)))
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

// fit truncates cells until rows fit the width: first those of columns that may shrink, then all but times, then times. It
// returns the number of columns that fit; the last ones are omitted if truncated cells are still too wide.
func fit(header []string, rows [][]string, width int, shrinks func(int) bool) (kept int) {
	noTime := func(j int) bool {
		return !slices.ContainsFunc(rows, func(row []string) bool { return terminal.IsLocalTime(row[j]) })
	}
	all := func(int) bool { return true }
	natural := widthsOf(header, rows)
	widths := slices.Clone(natural)
	for kept = len(header); kept > 0; kept-- {
		copy(widths, natural)
		excess := tableWidth(widths[:kept]) - width
		for _, may := range []func(int) bool{shrinks, noTime, all} {
			excess = shrink(widths[:kept], header, excess, may)
		}
		if excess <= 0 || kept == 1 {
			break
		}
	}
	for _, row := range rows {
		for j := range kept {
			if twwidth.Width(row[j]) > widths[j] {
				row[j] = truncate(row[j], widths[j])
			}
		}
	}
	return kept
}

// widthsOf returns the width of each column.
func widthsOf(header []string, rows [][]string) []int {
	widths := make([]int, len(header))
	for j := range header {
		widths[j] = twwidth.Width(header[j])
		for _, row := range rows {
			widths[j] = max(widths[j], twwidth.Width(row[j]))
		}
	}
	return widths
}

func tableWidth(columns []int) int {
	total := len(gap) * (len(columns) - 1)
	for _, width := range columns {
		total += width
	}
	return total
}

// shrink reduces the widths by excess, the widest first, to at least [narrowest] and the header. It returns the rest.
func shrink(widths []int, header []string, excess int, may func(int) bool) int {
	for ; excess > 0; excess-- {
		widest := -1
		for j := range widths {
			least := max(narrowest, twwidth.Width(header[j]))
			if may(j) && widths[j] > least && (widest < 0 || widths[j] > widths[widest]) {
				widest = j
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
	}
	return excess
}

// truncate shortens a cell to a width. A text without blanks, such as a URL or a name, is shortened in the middle, because
// its end distinguishes it.
func truncate(cell string, width int) string {
	if strings.Contains(cell, " ") {
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
