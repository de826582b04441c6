package output

import (
	"bufio"
	"encoding/csv"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// writeTSV writes every column of every item, with tabs between and no header line.
func writeTSV[T any](p *Printer, table Table[T], items []T) error {
	out := bufio.NewWriter(p.out)
	for _, item := range items {
		for i, column := range table.Columns {
			if i > 0 {
				_ = out.WriteByte('\t') // Flush reports what went wrong
			}
			_, _ = out.WriteString(terminal.Safe(column.Text(item)))
		}
		_ = out.WriteByte('\n')
	}
	return out.Flush()
}

// writeNames writes the ids.
func writeNames[T any](p *Printer, table Table[T], items []T) error {
	out := bufio.NewWriter(p.out)
	for _, item := range items {
		if id := table.ID(item); id != "" { // what is yet to be made has none
			_, _ = out.WriteString(terminal.Safe(id) + "\n") // Flush reports what went wrong
		}
	}
	return out.Flush()
}

// writeCSV writes every column under a header line. Source of the quoting: RFC 4180.
func writeCSV[T any](p *Printer, table Table[T], items []T) error {
	out := csv.NewWriter(p.out)
	row := make([]string, len(table.Columns))
	for i, column := range table.Columns {
		row[i] = column.Name
	}
	_ = out.Write(row) // Error reports what went wrong
	for _, item := range items {
		for i, column := range table.Columns {
			row[i] = inert(terminal.Safe(column.Text(item)))
		}
		_ = out.Write(row)
	}
	out.Flush()
	return out.Error()
}

// inert keeps a spreadsheet from taking a cell for a formula. Source: OWASP, CSV injection.
func inert(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
