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
func (p *Printer) written(items iter.Seq2[any, error], write func(*bufio.Writer, any) error) error {
	out := bufio.NewWriterSize(p.out, 16<<10)
	for item, err := range items {
		if err == nil {
			err = write(out, item)
		}
		if err != nil {
			return errors.Join(err, out.Flush())
		}
	}
	return out.Flush()
}

// writeTSV writes every column, separated by tabs, without a header line.
func (p *Printer) writeTSV(columns []erased, items iter.Seq2[any, error]) error {
	return p.written(items, func(out *bufio.Writer, item any) error {
		for i := range columns {
			if i > 0 {
				_ = out.WriteByte('\t')
			}
			_, _ = out.WriteString(terminal.Safe(columns[i].text(item)))
		}
		return out.WriteByte('\n')
	})
}

// writeNames writes the IDs.
func (p *Printer) writeNames(idOf func(any) string, items iter.Seq2[any, error]) error {
	return p.written(items, func(out *bufio.Writer, item any) error {
		id := idOf(item)
		if id == "" { // a planned item has no ID
			return nil
		}
		_, err := out.WriteString(terminal.Safe(id) + "\n")
		return err
	})
}

// writeCSV writes every column with a header line. Quoting: RFC 4180.
func (p *Printer) writeCSV(columns []erased, items iter.Seq2[any, error]) error {
	out := csv.NewWriter(p.out)
	row := make([]string, len(columns))
	for i := range columns {
		row[i] = columns[i].name
	}
	_ = out.Write(row) // Error reports what went wrong
	for item, err := range items {
		if err != nil {
			out.Flush()
			return errors.Join(err, out.Error())
		}
		for i := range columns {
			row[i] = inert(terminal.Safe(columns[i].text(item)))
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
