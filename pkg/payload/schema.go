package payload

import (
	"bytes"
	"encoding/json"
	"strings"
)

// schema is a JSON Schema, in the parts that generators of types understand.
type schema struct {
	Version    string     `json:"$schema,omitempty"`
	Title      string     `json:"title,omitempty"`
	Type       any        `json:"type,omitempty"`
	Format     string     `json:"format,omitempty"`
	Properties properties `json:"properties,omitempty"`
	Required   []string   `json:"required,omitempty"`
	Items      *schema    `json:"items,omitempty"`
	AnyOf      []*schema  `json:"anyOf,omitempty"`
}

// properties are ordered, so that generated types have the order of the service.
type properties []property

type property struct {
	name string
	schema
}

// MarshalJSON implements json.Marshaler.
func (p properties) MarshalJSON() ([]byte, error) {
	out := bytes.NewBufferString("{")
	for i, one := range p {
		if i > 0 {
			out.WriteByte(',')
		}
		raw, err := json.Marshal(one.schema)
		if err != nil {
			return nil, err
		}
		out.WriteString(`"` + one.name + `":`)
		out.Write(raw)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// Schema returns the JSON Schema of the deliveries of an event to a subscription with a filter. Every field may be null
// except id and version, and further fields are allowed. Without a filter, other objects have only their ID and URL.
func Schema(event string, f Filter) ([]byte, error) {
	return json.MarshalIndent(schema{
		Version: "https://json-schema.org/draft/2020-12/schema", Title: title(event) + "Delivery", Type: "object",
		Properties: properties{
			{"value", valueSchema(event, f)},
			{"event", schema{Type: "string"}},
			{"subscriptionId", schema{Type: "integer", Format: "int64"}},
			{"id", schema{Type: "integer", Format: "int64"}},
		},
		Required: []string{"value", "event", "subscriptionId", "id"},
	}, "", "  ")
}

// title returns the name of an event as the name of a type: OrderCreate for order.create.
func title(event string) string {
	object, verb, _ := strings.Cut(strings.ToLower(event), ".")
	return capital(object) + capital(verb)
}

func capital(word string) string {
	return strings.ToUpper(word[:min(1, len(word))]) + word[min(1, len(word)):]
}

func valueSchema(event string, f Filter) schema {
	models := OfEvent(event)
	switch {
	case IsDeletion(event):
		return schema{Type: "null"}
	case len(models) == 0:
		return schema{Type: "object"}
	case len(models) == 1:
		return models[0].schema(f)
	}
	var either schema
	for _, m := range models {
		one := m.schema(f)
		either.AnyOf = append(either.AnyOf, &one)
	}
	return either
}

// schema returns the schema of an object with the fields that a filter selects.
func (m Model) schema(f Filter) schema {
	s := schema{Title: m.Name, Type: "object"}
	for _, field := range m.Fields {
		below, selected := f.of(field)
		if !selected {
			continue
		}
		s.Properties = append(s.Properties, property{field.Name, field.schema(below)})
		if field.Name == "id" || field.Name == "version" {
			s.Required = append(s.Required, field.Name)
		}
	}
	return s
}

// of returns the filter of a field, and whether the field is selected. Changes are selected only by name.
func (f Filter) of(field Field) (below Filter, selected bool) {
	selected = f == nil && field.Name != "changes"
	for _, item := range f {
		switch item.Name {
		case field.Name:
			return item.Below, true
		case "*":
			selected = selected || field.Name != "changes"
		}
	}
	return nil, selected
}

// schema returns the schema of a field; below selects the fields of an object.
func (f Field) schema(below Filter) schema {
	var s schema
	switch f.Type {
	case "int32", "int64":
		s = schema{Type: "integer", Format: f.Type}
	default:
		s = schema{Type: f.Type}
	}
	if f.isModel() {
		s = f.Model().nested(below)
	}
	if f.List {
		item := s
		s = schema{Type: "array", Items: &item}
	}
	if f.Name != "id" && f.Name != "version" {
		s.Type = []any{s.Type, "null"}
	}
	return s
}

// nested returns the schema of an object inside another: its ID and URL without a filter, or all of it if it has none.
func (m Model) nested(below Filter) schema {
	_, ok := m.Field("id")
	if ok && below == nil {
		below = Filter{{Name: "id"}, {Name: "url"}}
	}
	s := m.schema(below)
	s.Title = ""
	return s
}
