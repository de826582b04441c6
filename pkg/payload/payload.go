// Package payload describes the objects that deliveries carry: their models, the fields of each, and the filter that
// selects fields.
package payload

import (
	_ "embed"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"unicode"
)

// table has one model a line; its first line describes the format. Source: OpenAPI 2.74, and the official sample for
// ArchiveRelation.
//
//go:embed models.txt
var table string

// Model is a type of object of Tripletex.
type Model struct {
	// Name is the name in the specification, such as "Order".
	Name string
	// Fields are in the order of the specification.
	Fields []Field
}

// Field is a field of a model.
type Field struct {
	Name string
	// Type is string, boolean, int32, int64, number, object (with any fields), or the name of a model.
	Type string
	// List reports a list of Type.
	List bool
}

// Find returns the model with a name. Only its line of the table is parsed.
func Find(name string) (Model, bool) {
	_, rest, ok := strings.Cut(table, "\n"+name+" ")
	if !ok {
		return Model{}, false
	}
	line, _, _ := strings.Cut(rest, "\n")
	line = strings.Replace(line, "+", "id:int64 version:int32 changes:[Change] url", 1)
	m := Model{Name: name, Fields: make([]Field, 0, strings.Count(line, " ")+1)}
	for word := range strings.SplitSeq(line, " ") {
		field, kind, _ := strings.Cut(word, ":")
		if kind == "" {
			kind = "string"
		}
		one := strings.Trim(kind, "[]")
		m.Fields = append(m.Fields, Field{Name: field, Type: one, List: one != kind})
	}
	return m, true
}

// Field returns the field with a name.
func (m Model) Field(name string) (Field, bool) {
	for _, f := range m.Fields {
		if f.Name == name {
			return f, true
		}
	}
	return Field{}, false
}

// At returns the field at a path, such as "customer" and "name".
func (m Model) At(path ...string) (f Field, ok bool) {
	for _, name := range path {
		if f, ok = m.Field(name); !ok {
			return Field{}, false
		}
		m = f.Model()
	}
	return f, ok
}

// Model returns the model of a field. For a scalar it has the name of the type, and no fields.
func (f Field) Model() Model {
	if !f.isModel() {
		return Model{Name: f.Type}
	}
	m, _ := Find(f.Type) // a test finds every type of the table
	return m
}

// Accepts reports whether a JSON value has the type of the field. Null has every type.
func (f Field) Accepts(raw []byte) bool {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return false
	}
	items, isList := v.([]any)
	switch {
	case v == nil:
		return true
	case !f.List, !isList:
		return !f.List && f.holds(v)
	}
	return !slices.ContainsFunc(items, func(item any) bool { return !f.holds(item) })
}

// holds reports whether a decoded value has the type of the field, apart from the list.
func (f Field) holds(v any) (ok bool) {
	switch f.Type {
	case "string":
		_, ok = v.(string)
	case "boolean":
		_, ok = v.(bool)
	case "number":
		_, ok = v.(float64)
	case "int32", "int64":
		n, number := v.(float64)
		ok = number && n == math.Trunc(n)
	default:
		_, ok = v.(map[string]any)
	}
	return ok
}

// isModel reports whether the field holds objects with known fields.
func (f Field) isModel() bool { return unicode.IsUpper(rune(f.Type[0])) }
