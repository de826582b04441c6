package sandbox

import (
	"encoding/json"

	"github.com/tlxhook/tlxhook/pkg/payload"
)

// view renders stored fields as the objects of a company in responses and deliveries.
type view struct {
	state   *State
	company int64
	host    string
}

// fields returns the stored fields that a model has, in its order and without the common ones.
func (v view) fields(m payload.Model, stored map[string]json.RawMessage) object {
	var all object
	for _, f := range m.Fields {
		switch raw, ok := stored[f.Name]; {
		case !ok, f.Name == "id", f.Name == "version", f.Name == "url", f.Name == "changes":
		default:
			all = append(all, field{f.Name, v.value(f, raw)})
		}
	}
	return all
}

// value returns the value of a field; other objects become references.
func (v view) value(f payload.Field, raw json.RawMessage) any {
	var items []json.RawMessage
	if !f.List || json.Unmarshal(raw, &items) != nil || items == nil {
		return v.one(f.Model(), raw)
	}
	all := make([]any, len(items))
	for i, item := range items {
		all[i] = v.one(f.Model(), item)
	}
	return all
}

// one returns an object of a model: a reference if it has an ID, else its fields.
func (v view) one(m payload.Model, raw json.RawMessage) any {
	var stored map[string]json.RawMessage
	if len(m.Fields) == 0 || json.Unmarshal(raw, &stored) != nil || stored == nil {
		return raw
	}
	var common struct {
		ID      int64 `json:"id"`
		Version *int  `json:"version"`
	}
	if json.Unmarshal(raw, &common) != nil || common.ID == 0 {
		return append(object{}, v.fields(m, stored)...)
	}
	short := object{{"id", common.ID}, {"url", address(m.Name, v.host, common.ID)}}
	return reference{short: short, whole: func() object {
		if other := v.state.entity(kindOf(m.Name), v.company, common.ID); other != nil {
			return other.shown(v.state, v.host)
		}
		all := object{short[0], {"version", common.Version}, short[1]}
		return append(all, v.fields(m, stored)...)
	}}
}
