package sandbox

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/tlxhook/tlxhook/pkg/payload"
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

// filtered returns the reply with one object of a model, filtered by the fields parameter.
func filtered(r *request, o object, model string) *reply {
	fields, refused := r.fields(model)
	if refused != nil {
		return refused
	}
	return value(http.StatusOK, o.pick(fields))
}

// fields returns the fields parameter. Names outside of the model are refused.
func (r *request) fields(model string) (payload.Filter, *reply) {
	return parseFields(r.URL.Query().Get("fields"), model)
}

// parseFields parses a filter of a model. The refusal of an unknown name was recorded.
func parseFields(text, model string) (payload.Filter, *reply) {
	filter, err := payload.Parse(text)
	if err != nil {
		return nil, illegalField(text + ": " + err.Error())
	}
	m, _ := payload.Find(model)
	if _, unknown := m.Check(filter); len(unknown) > 0 {
		name := unknown[0].Name
		return nil, illegalField(name + ". " + name + " does not match a field in the model: " + unknown[0].Model.Name + "DTO")
	}
	return filter, nil
}

func illegalField(detail string) *reply {
	return apiError(http.StatusBadRequest, 11000, "Illegal field in fields filter: "+detail, "")
}

// pick returns the fields that a filter selects, in its order; "*" is all that are not hidden. A selected field that o
// does not have is null.
func (o object) pick(filter payload.Filter) object {
	if filter == nil {
		return o
	}
	picked := object{}
	for _, item := range filter {
		if item.Name != "*" {
			picked = picked.with(item.Name, below(o.value(item.Name), item.Below))
			continue
		}
		for _, f := range o {
			if _, skip := f.value.(hidden); !skip {
				picked = picked.with(f.name, f.value)
			}
		}
	}
	return picked
}

// below applies the filter of a field to its value.
func below(v any, filter payload.Filter) any {
	switch v := v.(type) {
	case hidden:
		return below(v.value, filter)
	case reference:
		if filter == nil {
			return v
		}
		return v.whole().pick(filter)
	case object:
		return v.pick(filter)
	case []any:
		picked := make([]any, len(v))
		for i := range v {
			picked[i] = below(v[i], filter)
		}
		return picked
	}
	return v
}

// value returns the value of a field, or nil.
func (o object) value(name string) any {
	if i := o.index(name); i >= 0 {
		return o[i].value
	}
	return nil
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
