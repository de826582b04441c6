package output

import (
	"bufio"
	"encoding/csv"
	"errors"
	"iter"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// written writes items through a buffer and stops at the first error.
func written[T any](p *Printer, items iter.Seq2[T, error], write func(*bufio.Writer, *T) error) error {
	out := bufio.NewWriterSize(p.out, 16<<10)
	var item T // reused, because it is allocated on the heap
	for next, err := range items {
		if item = next; err == nil {
			err = write(out, &item)
		}
		if err != nil {
			return errors.Join(err, out.Flush())
		}
	}
	return out.Flush()
}

// writeTSV writes every column, separated by tabs, without a header line.
func writeTSV[T any](p *Printer, table Table[T], items iter.Seq2[T, error]) error {
	return written(p, items, func(out *bufio.Writer, item *T) error {
		for i := range table.Columns {
			if i > 0 {
				_ = out.WriteByte('\t')
			}
			_, _ = out.WriteString(terminal.Safe(table.Columns[i].text(item)))
		}
		return out.WriteByte('\n')
	})
}

// writeNames writes the IDs.
func writeNames[T any](p *Printer, table Table[T], items iter.Seq2[T, error]) error {
	return written(p, items, func(out *bufio.Writer, item *T) error {
		id := table.ID(*item)
		if id == "" { // a planned item has no ID
			return nil
		}
		_, err := out.WriteString(terminal.Safe(id) + "\n")
		return err
	})
}

// writeCSV writes every column with a header line. Quoting: RFC 4180.
func writeCSV[T any](p *Printer, table Table[T], items iter.Seq2[T, error]) error {
	out := csv.NewWriter(p.out)
	row := make([]string, len(table.Columns))
	for i, column := range table.Columns {
		row[i] = column.Name
	}
	_ = out.Write(row) // Error reports what went wrong
	for item, err := range items {
		if err != nil {
			out.Flush()
			return errors.Join(err, out.Error())
		}
		for i := range table.Columns {
			row[i] = inert(terminal.Safe(table.Columns[i].text(&item)))
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// inert quotes cells that a spreadsheet would evaluate as formulas. Source: OWASP, "CSV Injection".
func inert(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
