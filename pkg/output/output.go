// Package output prints results: one definition of columns per type, one writer per format.
// It makes text safe to print. Callers mask URLs and secrets.
package output

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"text/template"

	"github.com/itchyny/gojq"

	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// Format is an output format.
type Format string

// The formats.
const (
	TableFormat  Format = "table"  // aligned, coloured, truncated to the screen
	WideFormat   Format = "wide"   // a table with every column that is not empty, not truncated
	TSVFormat    Format = "tsv"    // full values separated by tabs, no header line, stable columns
	JSONFormat   Format = "json"   // a list is an array, one item is an object
	NDJSONFormat Format = "ndjson" // one object per line
	YAMLFormat   Format = "yaml"
	CSVFormat    Format = "csv"  // with a header line
	NameFormat   Format = "name" // IDs only, one per line
)

// Formats returns every format.
func Formats() []Format {
	return []Format{TableFormat, WideFormat, TSVFormat, JSONFormat, NDJSONFormat, YAMLFormat, CSVFormat, NameFormat}
}

// Options select the output. The zero value is a table on a screen and TSV elsewhere.
type Options struct {
	Format   Format
	JQ       string // a jq expression over the JSON, instead of a format
	Template string // a Go template for each item, instead of a format
}

// ErrOptions is the cause of every error of invalid options.
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
	redact   func(string) string // nil for none
}

// New returns a printer that writes to the standard output of a terminal.
func New(o Options, t *terminal.Terminal) (*Printer, error) {
	p := &Printer{out: t.Out, format: o.Format, screen: t.IsScreen(), color: t.Color, width: t.Width, redact: t.Redact}
	if p.format == "" {
		p.format = TSVFormat
		if p.screen {
			p.format = TableFormat
		}
	}
	if !slices.Contains(Formats(), p.format) {
		return nil, fmt.Errorf("%w format %q does not exist; valid formats: %s", ErrOptions, o.Format, FormatNames())
	}
	if o.JQ != "" && o.Template != "" {
		return nil, fmt.Errorf("%w: --jq and --template are mutually exclusive", ErrOptions)
	}
	return p, p.compile(o)
}

// FormatNames returns the formats separated by commas.
func FormatNames() string {
	names := make([]string, len(Formats()))
	for i, f := range Formats() {
		names[i] = string(f)
	}
	return strings.Join(names, ", ")
}

// redacted returns text without secrets.
func (p *Printer) redacted(text string) string {
	if p.redact == nil {
		return text
	}
	return p.redact(text)
}

// IsTable reports whether results are printed as a table, for which hints are useful.
func (p *Printer) IsTable() bool {
	return (p.format == TableFormat || p.format == WideFormat) && p.query == nil && p.template == nil
}

// IsStream reports whether lists printed in sequence form one list.
func (p *Printer) IsStream() bool {
	return p.query == nil && (p.template != nil || p.format == NDJSONFormat || p.format == TSVFormat || p.format == NameFormat)
}

// IsJSON reports whether the output is JSON, so that errors are printed as JSON too.
func (o Options) IsJSON() bool {
	return o.Format == JSONFormat || o.Format == NDJSONFormat || o.JQ != ""
}

// List prints items.
func List[T any](ctx context.Context, p *Printer, table Table[T], items []T) error {
	return Sequence(ctx, p, table, All(items))
}

// All returns a slice as a sequence without errors.
func All[T any](items []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for i := range items {
			if !yield(items[i], nil) {
				return
			}
		}
	}
}

// Sequence prints items as they arrive, in constant memory; only tables and queries collect them. It stops at an
// error, after the items before it.
func Sequence[T any](ctx context.Context, p *Printer, table Table[T], items iter.Seq2[T, error]) error {
	columns, id := table.erase()
	switch {
	case p.query != nil:
		return collected(items, func(all []T) error { return p.runQuery(ctx, all) })
	case p.IsTable():
		return collected(items, func(all []T) error { return p.writeTable(columns, pointers(all)) })
	}
	return p.stream(ctx, columns, id, pointed(items))
}

// stream prints items, which are pointers, one after the other.
func (p *Printer) stream(ctx context.Context, columns []erased, id func(any) string, items iter.Seq2[any, error]) error {
	if p.template != nil {
		return p.eachTemplate(ctx, items)
	}
	switch p.format {
	case JSONFormat:
		return p.writeArray(items)
	case NDJSONFormat:
		return p.writeLines(items)
	case YAMLFormat:
		return p.writeYAMLList(items)
	case CSVFormat:
		return p.writeCSV(columns, items)
	case NameFormat:
		return p.writeNames(id, items)
	default:
		return p.writeTSV(columns, items)
	}
}

// pointed returns a pointer to each item, valid until the next one: the variable is on the heap and reused.
func pointed[T any](items iter.Seq2[T, error]) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		var item T
		for next, err := range items {
			if item = next; !yield(&item, err) {
				return
			}
		}
	}
}

// pointers returns a pointer to each item of a slice.
func pointers[T any](items []T) []any {
	all := make([]any, len(items))
	for i := range items {
		all[i] = &items[i]
	}
	return all
}

// collected prints a whole sequence, or nothing if it ends with an error.
func collected[T any](items iter.Seq2[T, error], show func([]T) error) error {
	all := []T{}
	for item, err := range items {
		if err != nil {
			return err
		}
		all = append(all, item)
	}
	return show(all)
}

// Item prints one item.
func Item[T any](ctx context.Context, p *Printer, table Table[T], item T) error {
	switch {
	case p.query != nil:
		return p.runQuery(ctx, item)
	case p.IsTable():
		columns, _ := table.erase()
		return p.writeDetails(columns, &item)
	case p.template == nil && p.format == JSONFormat:
		return p.writeObject(item)
	case p.template == nil && p.format == YAMLFormat:
		return p.writeYAML(item)
	default:
		return List(ctx, p, table, []T{item})
	}
}
