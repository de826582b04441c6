package sandbox

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// object is a JSON object with ordered fields, like those of the service.
type object []field

type field struct {
	name  string
	value any
}

// hidden marks a field that is returned only if the fields parameter names it.
type hidden struct{ value any }

// MarshalJSON implements json.Marshaler.
func (o object) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for _, f := range o {
		if _, skip := f.value.(hidden); skip {
			continue
		}
		name, err := marshal(f.name)
		if err != nil {
			return nil, err
		}
		raw, err := marshal(f.value)
		if err != nil {
			return nil, err
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = slices.Concat(out, name, []byte{':'}, raw)
	}
	return append(out, '}'), nil
}

// marshal returns v as JSON without escaping "&", "<" and ">", like the service.
func marshal(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}

// reference is another object: its ID and URL, or the complete object if the fields parameter selects fields of it.
type reference struct {
	short object
	whole func() object
}

// MarshalJSON implements json.Marshaler.
func (r reference) MarshalJSON() ([]byte, error) { return r.short.MarshalJSON() }

// filtered returns the reply with one object, filtered by the fields parameter.
func filtered(r *request, o object, model string) *reply {
	shown, refused := o.pick(r.URL.Query().Get("fields"), model)
	if refused != nil {
		return refused
	}
	return value(http.StatusOK, shown)
}

// pick applies the fields parameter: names separated by commas, "*" for all fields that are not hidden, "name(…)" for
// nested ones. Names outside of the model are rejected; with an empty model, which is unknown, they are null.
func (o object) pick(fields, model string) (object, *reply) {
	if fields == "" {
		return o, nil
	}
	var picked object
	for _, item := range splitFields(fields) {
		name, below, nested := strings.Cut(strings.TrimSuffix(item, ")"), "(")
		if name == "*" {
			for _, f := range o {
				picked = picked.with(f.name, f.value)
			}
			continue
		}
		i := o.index(name)
		if i < 0 && model == "" {
			picked = picked.with(name, nil)
			continue
		}
		if i < 0 {
			return nil, apiError(http.StatusBadRequest, 11000, "Illegal field in fields filter",
				"Illegal field in fields filter: "+name+". "+name+" does not match a field in the model: "+model)
		}
		shown := o[i].value
		if h, ok := shown.(hidden); ok {
			shown = h.value
		}
		if r, ok := shown.(reference); ok && nested {
			shown = r.whole()
		}
		if inner, ok := shown.(object); ok && nested {
			sub, refused := inner.pick(below, model)
			if refused != nil {
				return nil, refused
			}
			shown = sub
		}
		picked = picked.with(name, shown)
	}
	return picked, nil
}

// with sets a field, at its old position if present.
func (o object) with(name string, v any) object {
	if i := o.index(name); i >= 0 {
		changed := append(object(nil), o...)
		changed[i].value = v
		return changed
	}
	return append(o, field{name, v})
}

func (o object) index(name string) int {
	return slices.IndexFunc(o, func(f field) bool { return f.name == name })
}

// splitFields splits at commas outside of parentheses.
func splitFields(text string) []string {
	var parts []string
	depth, start := 0, 0
	for i, c := range text {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				parts = append(parts, strings.TrimSpace(text[start:i]))
				start = i + 1
			}
		}
	}
	return append(parts, strings.TrimSpace(text[start:]))
}
