package sandbox

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
)

// object is a JSON object that keeps the order of its fields, as the service does.
type object []field

type field struct {
	name  string
	value any
}

// hidden marks a field that is shown only where the fields parameter asks for it.
type hidden struct{ value any }

// MarshalJSON implements json.Marshaler.
func (o object) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	first := true
	for _, f := range o {
		if _, skip := f.value.(hidden); skip {
			continue
		}
		raw, err := json.Marshal(f.value)
		if err != nil {
			return nil, err
		}
		if !first {
			out.WriteByte(',')
		}
		first = false
		out.WriteByte('"')
		out.WriteString(f.name)
		out.WriteString(`":`)
		out.Write(raw)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// filtered is the reply with one object, filtered by the fields parameter of the request.
func filtered(r *request, status int, o object, model string) reply {
	shown, refused := o.pick(r.URL.Query().Get("fields"), model)
	if refused != nil {
		return *refused
	}
	return value(status, shown)
}

// pick applies the grammar of the fields parameter: names with commas between, "*" for all that is not hidden,
// "name(…)" for what is below.
func (o object) pick(fields, model string) (object, *reply) {
	if fields == "" {
		return o, nil
	}
	var picked object
	for _, item := range splitFields(fields) {
		name, below, nested := strings.Cut(strings.TrimSuffix(item, ")"), "(")
		if name == "*" {
			picked = append(picked, o...)
			continue
		}
		i := o.index(name)
		if i < 0 {
			refused := apiError(http.StatusBadRequest, 11000, "Illegal field in fields filter",
				"Illegal field in fields filter: "+name+". "+name+" does not match a field in the model: "+model)
			return nil, &refused
		}
		shown := o[i].value
		if h, ok := shown.(hidden); ok {
			shown = h.value
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

// with sets a field, in its old place if it is there.
func (o object) with(name string, v any) object {
	if i := o.index(name); i >= 0 {
		changed := append(object(nil), o...)
		changed[i].value = v
		return changed
	}
	return append(o, field{name, v})
}

func (o object) index(name string) int {
	for i := range o {
		if o[i].name == name {
			return i
		}
	}
	return -1
}

// splitFields cuts at the commas that are not inside parentheses.
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
