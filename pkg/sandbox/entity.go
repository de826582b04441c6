package sandbox

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"
)

// entity is an object whose changes cause events.
type entity struct {
	ID      int64 `json:"id"`
	Version int   `json:"version"`
	// Kind is the name of its kind.
	Kind    string                     `json:"kind"`
	Company int64                      `json:"company"`
	Made    time.Time                  `json:"made"`
	Changed time.Time                  `json:"changed"`
	Fields  map[string]json.RawMessage `json:"fields"`
}

// newEntity returns an object with the fields of the example of its kind.
func newEntity(k kind, id int64, version int) *entity {
	made := &entity{ID: id, Version: version, Kind: k.name, Fields: map[string]json.RawMessage{}}
	for _, f := range k.example {
		raw, err := json.Marshal(f.value)
		if err == nil { // always, as the examples are constant
			made.Fields[f.name] = raw
		}
	}
	return made
}

// shown returns the object as in responses and deliveries: the common fields, the fields of the example of its kind in
// their order, then all others.
func (e *entity) shown(s *State, host string) object {
	k, _ := findKind(e.Kind)
	changes := []change{{employeeNumber, timestamp(e.Made), "CREATE"}, {employeeNumber, timestamp(e.Changed), "UPDATE"}}
	all := object{
		{"id", e.ID},
		{"version", e.Version},
		{"changes", hidden{changes[:min(e.Version+1, 2)]}},
		{"url", k.address(host, e.ID)},
	}
	names := make([]string, 0, len(e.Fields))
	for _, f := range k.example {
		names = append(names, f.name)
	}
	for _, name := range append(names, sortedKeys(e.Fields)...) {
		if raw, ok := e.Fields[name]; ok && all.index(name) < 0 {
			all = append(all, field{name, e.shownField(s, name, raw, host)})
		}
	}
	return all
}

// shownField returns the value of a field; another object becomes its ID and URL.
func (e *entity) shownField(s *State, name string, raw json.RawMessage, host string) any {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil || fields == nil {
		return raw
	}
	inner := object{}
	for _, key := range sortedKeys(fields) {
		inner = append(inner, field{key, fields[key]})
	}
	id, err := strconv.ParseInt(string(fields["id"]), 10, 64)
	if err != nil || len(fields) > 1 {
		return inner
	}
	k, known := findKind(name)
	if !known {
		k.name = name
	}
	short := object{{"id", id}, {"url", k.address(host, id)}}
	return reference{short: short, whole: func() object {
		if other := s.entity(k, e.Company, id); other != nil {
			return other.shown(s, host)
		}
		return short
	}}
}

// entity returns the object with an ID, or nil.
func (s *State) entity(k kind, company, id int64) *entity {
	i := slices.IndexFunc(s.Entities, func(e *entity) bool { return e.ID == id && e.Kind == k.name && e.Company == company })
	if i < 0 {
		return nil
	}
	return s.Entities[i]
}

// addEntity stores a new object with the next ID.
func (s *State) addEntity(made *entity, now time.Time) *entity {
	made.ID, made.Made, made.Changed = s.NextID, now, now
	s.NextID++
	s.Entities = append(s.Entities, made)
	s.dirty = true
	return made
}

func (s *State) changeEntity(e *entity, fields map[string]json.RawMessage, now time.Time) {
	maps.Copy(e.Fields, fields)
	e.Version++
	e.Changed = now
	s.dirty = true
}

func (s *State) removeEntity(removed *entity) {
	s.Entities = slices.DeleteFunc(s.Entities, func(e *entity) bool { return e == removed })
	s.dirty = true
}
