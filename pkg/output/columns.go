package output

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// Column is one property of a T.
type Column[T any] struct {
	Name  string // as in JSON; the header in CSV
	Title string // the header in a table; default: the name in upper case
	// Text returns the cell; default: the field with the JSON name Name.
	Text  func(T) string
	Style func(T) terminal.Style // nil for plain
	// Detail omits the column from tables of lists. Tables of one item, TSV and CSV have it.
	Detail bool
	// Shrinks makes the column the first to be truncated on a narrow screen.
	Shrinks bool
	// OmitZero leaves the cell of a zero field empty. Fields with omitempty always do.
	OmitZero bool

	read func(*T) string
}

// Table describes how items of one type are printed as text.
type Table[T any] struct {
	Columns []Column[T]
	// ID returns the text of the format name.
	ID func(T) string
}

// erased is a column whose functions take a *T as any, so that the writers are compiled once and not for each T.
type erased struct {
	name, title     string
	detail, shrinks bool
	text            func(any) string
	style           func(any) terminal.Style // nil for plain
}

// erase returns the columns and the ID without the type of the items.
func (t *Table[T]) erase() (columns []erased, id func(any) string) {
	for i := range t.Columns {
		c := &t.Columns[i]
		column := erased{c.Name, c.Title, c.Detail, c.Shrinks, func(v any) string { return c.text(v.(*T)) }, nil}
		if c.Style != nil {
			column.style = func(v any) terminal.Style { return c.Style(*v.(*T)) }
		}
		columns = append(columns, column)
	}
	return columns, func(v any) string { return t.ID(*v.(*T)) }
}

// TableOf returns the table of a struct. Its columns are the fields with a tag such as
// `table:"TITLE,detail,shrinks,omitzero"`, in their order. Columns that are given replace those of the same name; others
// follow. The ID is the column "id", else the first one. A column that is neither a field nor has a text is a bug.
func TableOf[T any](given []Column[T]) Table[T] {
	var table Table[T]
	for _, f := range fieldsOf(reflect.TypeFor[T]()) {
		if f.tagged {
			table.Columns = append(table.Columns, taggedColumn[T](f))
		}
	}
	for _, column := range given {
		if i := slices.IndexFunc(table.Columns, func(c Column[T]) bool { return c.Name == column.Name }); i >= 0 {
			table.Columns[i] = column
		} else {
			table.Columns = append(table.Columns, column)
		}
	}
	table.Columns = Columns(table.Columns)
	id := slices.IndexFunc(table.Columns, func(c Column[T]) bool { return c.Name == "id" })
	column := table.Columns[max(0, id)]
	table.ID = func(v T) string { return column.read(&v) }
	return table
}

// Columns returns the given columns, completed from the fields of T. Its tags are ignored.
func Columns[T any](given []Column[T]) []Column[T] {
	fields := fieldsOf(reflect.TypeFor[T]())
	for i := range given {
		given[i].complete(fields)
	}
	return given
}

// taggedColumn returns the column of a field's tag.
func taggedColumn[T any](f field) Column[T] {
	title, text, _ := strings.Cut(f.tag, ",")
	options := strings.Split(text, ",")
	has := func(option string) bool { return slices.Contains(options, option) }
	return Column[T]{Name: f.name, Title: title, Detail: has("detail"), Shrinks: has("shrinks"), OmitZero: has("omitzero")}
}

// Part adapts a table to a type that contains the item.
func Part[R, T any](one Table[T], part func(*R) *T) Table[R] {
	table := Table[R]{ID: func(v R) string { return one.ID(*part(&v)) }}
	for _, c := range one.Columns {
		column := Column[R]{Name: c.Name, Title: c.Title, Detail: c.Detail, Shrinks: c.Shrinks}
		column.read = func(v *R) string { return c.text(part(v)) }
		if c.Style != nil {
			column.Style = func(v R) terminal.Style { return c.Style(*part(&v)) }
		}
		table.Columns = append(table.Columns, column)
	}
	return table
}

// complete sets the title and the accessor of the cell.
func (c *Column[T]) complete(fields []field) {
	c.Title = cmp.Or(c.Title, titleOf(c.Name))
	if c.Text != nil {
		c.read = func(v *T) string { return c.Text(*v) }
		return
	}
	i := slices.IndexFunc(fields, func(f field) bool { return f.name == c.Name })
	if i < 0 {
		panic(fmt.Sprintf("output: %s has no field %q", reflect.TypeFor[T](), c.Name))
	}
	f := fields[i]
	f.omits = f.omits || c.OmitZero
	c.read = func(v *T) string { return f.text(reflect.ValueOf(v).Elem()) }
}

// text returns the cell of one item.
func (c *Column[T]) text(v *T) string {
	if c.read != nil {
		return c.read(v)
	}
	return c.Text(*v)
}

// field is a JSON field of a struct or an embedded one.
type field struct {
	name   string
	index  []int
	format func(reflect.Value) string
	omits  bool // a zero value
	tag    string
	tagged bool
}

// fieldsOf returns the JSON fields of a struct and of its embedded ones, in order.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "" || name == "-" {
			continue
		}
		tag, tagged := f.Tag.Lookup("table")
		fields = append(fields, field{name, f.Index, formatOf(f.Type), strings.HasPrefix(options, "omit"), tag, tagged})
	}
	return fields
}

// text returns the field of a struct as text; empty if JSON omits it.
func (f *field) text(v reflect.Value) string {
	if len(f.index) == 1 {
		v = v.Field(f.index[0])
	} else {
		v = v.FieldByIndex(f.index)
	}
	if f.omits && v.IsZero() {
		return ""
	}
	return f.format(v)
}

// formatOf returns the function that formats values of a type.
func formatOf(t reflect.Type) func(reflect.Value) string {
	switch t.Kind() {
	case reflect.String:
		return reflect.Value.String
	case reflect.Int, reflect.Int64:
		return func(v reflect.Value) string { return strconv.FormatInt(v.Int(), 10) }
	case reflect.Float64:
		return func(v reflect.Value) string { return strconv.FormatFloat(v.Float(), 'f', -1, 64) }
	case reflect.Bool:
		return func(v reflect.Value) string { return strconv.FormatBool(v.Bool()) }
	}
	if t == reflect.TypeFor[time.Time]() {
		return func(v reflect.Value) string { return v.Addr().Interface().(*time.Time).Format(time.RFC3339) }
	}
	return jsonText
}

// jsonText returns a value as JSON; empty for nil.
func jsonText(v reflect.Value) string {
	if (v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer) && v.IsNil() {
		return ""
	}
	raw, _ := MarshalJSON(v.Interface()) // printing as JSON reports the error
	return string(raw)
}

// titleOf returns a name in upper-case words: authHeader becomes AUTH HEADER.
func titleOf(name string) string {
	var title strings.Builder
	for _, r := range name {
		if unicode.IsUpper(r) {
			title.WriteByte(' ')
		}
		title.WriteRune(unicode.ToUpper(r))
	}
	return title.String()
}
