package output

import (
	"bytes"
	"encoding/csv"
	"errors"
	"iter"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// bufferSize is how much text is collected before it is written, in bytes.
const bufferSize = 16 << 10

// written writes whole items through a buffer and stops at the first error.
func (p *Printer) written(items iter.Seq2[any, error], write func(*bytes.Buffer, any) error) error {
	var out bytes.Buffer
	for item, err := range items {
		if err == nil {
			err = write(&out, item)
		}
		if err != nil {
			_, failed := out.WriteTo(p.out)
			return errors.Join(err, failed)
		}
		if out.Len() < bufferSize {
			continue
		}
		if _, err := out.WriteTo(p.out); err != nil {
			return err
		}
	}
	_, err := out.WriteTo(p.out)
	return err
}

// writeTSV writes every column, separated by tabs, without a header line.
func (p *Printer) writeTSV(columns []erased, items iter.Seq2[any, error]) error {
	return p.written(items, func(out *bytes.Buffer, item any) error {
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
	return p.written(items, func(out *bytes.Buffer, item any) error {
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
	var record bytes.Buffer
	to := csv.NewWriter(&record)
	row := make([]string, len(columns))
	for i := range columns {
		row[i] = columns[i].name
	}
	add := func() error {
		err := to.Write(row)
		to.Flush()
		return err
	}
	if err := add(); err != nil {
		return err
	}
	err := p.written(items, func(out *bytes.Buffer, item any) error {
		for i := range columns {
			row[i] = p.redacted(inert(terminal.Safe(columns[i].text(item)))) // before quotes are doubled
		}
		err := add()
		_, _ = record.WriteTo(out)
		return err
	})
	_, failed := record.WriteTo(p.out) // the header of an empty list
	return errors.Join(err, failed)
}

// inert quotes cells that a spreadsheet would evaluate as formulas. Source: OWASP, "CSV Injection".
func inert(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
