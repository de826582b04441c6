package payload

import "strings"

// Unknown is a name in a filter that is not a field of the model in its place.
type Unknown struct {
	// Path leads to the name, such as "customer.nme".
	Path string
	Name string
	// Model is the one without the name.
	Model Model
}

// Check returns the part of a filter that the model has, and the other names in their order.
func (m Model) Check(f Filter) (known Filter, unknown []Unknown) {
	return m.check(f, "")
}

func (m Model) check(f Filter, path string) (known Filter, unknown []Unknown) {
	if f == nil {
		return nil, nil
	}
	known = Filter{}
	for _, item := range f {
		field, ok := m.Field(item.Name)
		switch {
		case item.Name == "*", m.Name == "object":
			known = append(known, item)
			continue
		case !ok:
			unknown = append(unknown, Unknown{path + item.Name, item.Name, m})
			continue
		}
		below, wrong := field.Model().check(item.Below, path+item.Name+".")
		known, unknown = append(known, Item{item.Name, below}), append(unknown, wrong...)
	}
	return known, unknown
}

// CheckEvent returns the unknown names in a filter of an event. It returns none for an event without a known payload.
func CheckEvent(event string, f Filter) (least []Unknown) {
	for i, m := range OfEvent(event) {
		if _, unknown := m.Check(f); i == 0 || len(unknown) < len(least) {
			least = unknown
		}
	}
	return least
}

// Complete returns completions of an incomplete filter of an event: the text up to the last name, with each field of
// the model in that place.
func (m Model) Complete(typed string) []string {
	start := strings.LastIndexAny(typed, ",( ") + 1
	head := typed[:start]
	for _, name := range openNames(head) {
		field, ok := m.Field(name)
		if !ok {
			return nil
		}
		m = field.Model()
	}
	var all []string
	for _, f := range m.Fields {
		all = append(all, head+f.Name)
		if f.isModel() {
			all = append(all, head+f.Name+"(")
		}
	}
	return all
}

// openNames returns the names before the parentheses that are not closed.
func openNames(text string) (names []string) {
	start := 0
	for i, c := range text {
		switch c {
		case '(':
			names = append(names, strings.TrimSpace(text[start:i]))
		case ')':
			names = names[:max(0, len(names)-1)]
		}
		if strings.ContainsRune(",()", c) {
			start = i + 1
		}
	}
	return names
}

// Names returns the names of the fields.
func (m Model) Names() []string {
	names := make([]string, len(m.Fields))
	for i, f := range m.Fields {
		names[i] = f.Name
	}
	return names
}
