// Package output prints results: one definition of the columns of a type, one writer for each format.
// It leaves what may be shown, such as the masking of URLs, to its callers, and makes text safe to print.
package output

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/template"

	"github.com/itchyny/gojq"

	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// Format is how results are written.
type Format string

// The formats.
const (
	TableFormat  Format = "table"  // for people: aligned, coloured, cut to the screen
	TSVFormat    Format = "tsv"    // full values with tabs between, no header line, the same columns for ever
	JSONFormat   Format = "json"   // a list is an array, one thing is an object
	NDJSONFormat Format = "ndjson" // one object a line
	YAMLFormat   Format = "yaml"
	CSVFormat    Format = "csv"  // with a header line
	NameFormat   Format = "name" // ids only, one a line
)

// Formats returns every format.
func Formats() []Format {
	return []Format{TableFormat, TSVFormat, JSONFormat, NDJSONFormat, YAMLFormat, CSVFormat, NameFormat}
}

// Options say how to print. The zero value is a table on a screen and TSV elsewhere.
type Options struct {
	Format   Format
	JQ       string // a jq expression over the JSON, instead of a format
	Template string // a Go template for each item, instead of a format
}

// ErrOptions is the cause of every error about options that cannot be followed.
var ErrOptions = errors.New("output")

// Printer writes results to one stream.
type Printer struct {
	out      io.Writer
	format   Format
	query    *gojq.Code
	template *template.Template
	screen   bool
	color    bool
	width    int
}

// New returns a printer that writes to the results of a terminal.
func New(o Options, t *terminal.Terminal) (*Printer, error) {
	p := &Printer{out: t.Out, format: o.Format, screen: t.IsScreen(), color: t.Color, width: t.Width}
	if p.format == "" {
		p.format = TSVFormat
		if p.screen {
			p.format = TableFormat
		}
	}
	known := false
	for _, f := range Formats() {
		known = known || f == p.format
	}
	if !known {
		return nil, fmt.Errorf("%w format %q does not exist; there are %s", ErrOptions, o.Format, FormatNames())
	}
	if o.JQ != "" && o.Template != "" {
		return nil, fmt.Errorf("%w: --jq and --template exclude each other", ErrOptions)
	}
	return p, p.compile(o)
}

// FormatNames returns the formats in words.
func FormatNames() string {
	names := make([]string, len(Formats()))
	for i, f := range Formats() {
		names[i] = string(f)
	}
	return strings.Join(names, ", ")
}

// IsTable tells whether results are printed for a person, who may be told more than what a script reads.
func (p *Printer) IsTable() bool {
	return p.format == TableFormat && p.query == nil && p.template == nil
}

// IsStream tells whether several lists, one printed after the other, read as one.
func (p *Printer) IsStream() bool {
	return p.query == nil && (p.template != nil || p.format == NDJSONFormat || p.format == TSVFormat || p.format == NameFormat)
}

// IsJSON tells whether the caller reads JSON, and so expects errors as JSON too.
func (o Options) IsJSON() bool {
	return o.Format == JSONFormat || o.Format == NDJSONFormat || o.JQ != ""
}

// Column is one property of a T.
type Column[T any] struct {
	Name  string // as in JSON; the header in CSV
	Title string // the header in a table
	Text  func(T) string
	Style func(T) terminal.Style // nil for plain
	// Detail keeps the column out of a table of several; it is shown where one thing is shown, and in TSV and CSV.
	Detail bool
	// Shrinks lets the column be cut where the screen is too narrow.
	Shrinks bool
}

// Table says how things of one type are printed as text.
type Table[T any] struct {
	Columns []Column[T]
	ID      func(T) string
}

// List prints several things.
func List[T any](ctx context.Context, p *Printer, table Table[T], items []T) error {
	if items == nil {
		items = []T{}
	}
	switch {
	case p.query != nil:
		return p.runQuery(ctx, items)
	case p.template != nil:
		return eachTemplate(p, items)
	}
	switch p.format {
	case JSONFormat:
		return writeArray(p, items)
	case NDJSONFormat:
		return writeLines(p, items)
	case YAMLFormat:
		return p.writeYAML(items)
	case CSVFormat:
		return writeCSV(p, table, items)
	case NameFormat:
		return writeNames(p, table, items)
	case TSVFormat:
		return writeTSV(p, table, items)
	default:
		return writeTable(p, table, items)
	}
}

// Item prints one thing.
func Item[T any](ctx context.Context, p *Printer, table Table[T], item T) error {
	switch {
	case p.query != nil:
		return p.runQuery(ctx, item)
	case p.template != nil:
		return eachTemplate(p, []T{item})
	}
	switch p.format {
	case JSONFormat:
		return p.writeObject(item)
	case NDJSONFormat:
		return writeLines(p, []T{item})
	case YAMLFormat:
		return p.writeYAML(item)
	case CSVFormat:
		return writeCSV(p, table, []T{item})
	case NameFormat:
		return writeNames(p, table, []T{item})
	case TSVFormat:
		return writeTSV(p, table, []T{item})
	default:
		return writeDetails(p, table, item)
	}
}
