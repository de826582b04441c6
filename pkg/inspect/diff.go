package inspect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ErrIncomparable means that a delivery has no value that can be compared.
var ErrIncomparable = errors.New("cannot be compared")

const (
	// maxDepth is the largest depth of values that are compared.
	maxDepth = 100
	// maxChanges is the number of changes after which a comparison ends.
	maxChanges = 500
	// maxValue is how much of a changed value is kept, in bytes.
	maxValue = 2000
)

// Change is a difference between two values.
type Change struct {
	// Path leads to it, such as orderLines[id 17].count. Elements of an array are named by their ID where each has one.
	Path string `json:"path"`
	// Before and After are JSON; empty where the member is missing.
	Before string `json:"before"`
	After  string `json:"after"`
}

// Diff returns the differences between the values of two bodies, at most 500.
func Diff(before, after []byte) ([]Change, error) {
	old, err := valueOf(before)
	if err != nil {
		return nil, fmt.Errorf("the earlier delivery %w", err)
	}
	now, err := valueOf(after)
	if err != nil {
		return nil, fmt.Errorf("the delivery %w", err)
	}
	d := differ{changes: []Change{}}
	d.compare("", old, now)
	return d.changes, nil
}

// valueOf returns the value of a body, with unconverted numbers.
func valueOf(body []byte) (any, error) {
	if depth(body) > maxDepth {
		return nil, fmt.Errorf("%w: it is nested deeper than %d levels", ErrIncomparable, maxDepth)
	}
	var envelope struct {
		Value any `json:"value"`
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&envelope); err != nil {
		return nil, fmt.Errorf("%w: it is not valid JSON", ErrIncomparable)
	}
	if envelope.Value == nil {
		return nil, fmt.Errorf("%w: it has no value, as after a deletion", ErrIncomparable)
	}
	return envelope.Value, nil
}

// depth returns the nesting depth of JSON, without recursion.
func depth(body []byte) (deepest int) {
	level, quoted := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++
		case quoted:
		case c == '{' || c == '[':
			level++
			deepest = max(deepest, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest
}

type differ struct{ changes []Change }

// member is a named part of an object or an array.
type member struct {
	name  string
	value any
}

// missing is the value of a member that one side does not have.
type missing struct{}

func (d *differ) compare(path string, before, after any) {
	old, now := members(before), members(after)
	_, listed := before.([]any)
	_, stillListed := after.([]any)
	switch {
	case len(d.changes) >= maxChanges:
	case old == nil || now == nil || listed != stillListed:
		d.add(path, before, after)
	case listed && haveIDs(old) && haveIDs(now):
		d.compareMembers(path, byID(old), byID(now))
	default:
		d.compareMembers(path, old, now)
	}
}

// compareMembers compares members of the same name, those of before first.
func (d *differ) compareMembers(path string, before, after []member) {
	values := map[string]any{}
	for _, m := range after {
		values[m.name] = m.value
	}
	for _, m := range before {
		value, ok := values[m.name]
		if !ok {
			value = missing{}
		}
		delete(values, m.name)
		d.compare(join(path, m.name), m.value, value)
	}
	for _, m := range after {
		if _, added := values[m.name]; added {
			d.compare(join(path, m.name), missing{}, m.value)
		}
	}
}

func (d *differ) add(path string, before, after any) {
	if old, now := text(before), text(after); old != now {
		d.changes = append(d.changes, Change{path, shorten(old), shorten(now)})
	}
}

// members returns the parts of an object by name or of an array in order; nil for another value.
func members(value any) []member {
	all := []member{}
	switch value := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			all = append(all, member{name, value[name]})
		}
	case []any:
		for i, element := range value {
			all = append(all, member{fmt.Sprintf("[%d]", i), element})
		}
	default:
		return nil
	}
	return all
}

// haveIDs reports whether all elements are objects with an ID of their own.
func haveIDs(all []member) bool {
	seen := map[string]bool{}
	for _, m := range byID(all) {
		if m.name == "" || seen[m.name] {
			return false
		}
		seen[m.name] = true
	}
	return true
}

// byID names elements by their IDs; the name is empty without one.
func byID(all []member) []member {
	named := make([]member, len(all))
	for i, m := range all {
		named[i] = member{"", m.value}
		object, _ := m.value.(map[string]any)
		if id, ok := object["id"].(json.Number); ok {
			named[i].name = "[id " + id.String() + "]"
		}
	}
	return named
}

func join(path, name string) string {
	if path == "" || strings.HasPrefix(name, "[") {
		return path + name
	}
	return path + "." + name
}

// text returns a value as JSON; empty for a missing one.
func text(value any) string {
	if _, none := value.(missing); none {
		return ""
	}
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value) // it came from JSON
	return strings.TrimSpace(out.String())
}

func shorten(text string) string {
	if len(text) <= maxValue {
		return text
	}
	return strings.ToValidUTF8(text[:maxValue], "") + "…"
}
