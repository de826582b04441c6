// Package output prints results: one definition of the columns of a type, one writer for each format.
// It leaves what may be shown, such as the masking of URLs, to its callers, and makes text safe to print.
package output

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
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

// List prints several things.
func List[T any](ctx context.Context, p *Printer, table Table[T], items []T) error {
	return Sequence(ctx, p, table, All(items))
}

// All returns things that are there already as a sequence.
func All[T any](items []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for i := range items {
			if !yield(items[i], nil) {
				return
			}
		}
	}
}

// Sequence prints things as they come, in constant memory: only YAML, a table and a query hold them all. At an error
// it ends, and what came before stays printed.
func Sequence[T any](ctx context.Context, p *Printer, table Table[T], items iter.Seq2[T, error]) error {
	switch {
	case p.query != nil:
		return collected(items, func(all []T) error { return p.runQuery(ctx, all) })
	case p.template != nil:
		return eachTemplate(p, items)
	}
	switch p.format {
	case JSONFormat:
		return writeArray(p, items)
	case NDJSONFormat:
		return writeLines(p, items)
	case YAMLFormat:
		return collected(items, func(all []T) error { return p.writeYAML(all) })
	case CSVFormat:
		return writeCSV(p, table, items)
	case NameFormat:
		return writeNames(p, table, items)
	case TSVFormat:
		return writeTSV(p, table, items)
	default:
		return collected(items, func(all []T) error { return writeTable(p, table, all) })
	}
}

// collected prints a sequence as a whole, or nothing where it ends with an error.
func collected[T any](items iter.Seq2[T, error], print func([]T) error) error {
	all := []T{}
	for item, err := range items {
		if err != nil {
			return err
		}
		all = append(all, item)
	}
	return print(all)
}

// Item prints one thing.
func Item[T any](ctx context.Context, p *Printer, table Table[T], item T) error {
	switch {
	case p.query != nil:
		return p.runQuery(ctx, item)
	case p.template != nil:
		return eachTemplate(p, All([]T{item}))
	}
	switch p.format {
	case JSONFormat:
		return p.writeObject(item)
	case YAMLFormat:
		return p.writeYAML(item)
	case TableFormat:
		return writeDetails(p, table, item)
	default:
		return List(ctx, p, table, []T{item})
	}
}
