package sandbox

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/tlxhook/tlxhook/pkg/payload"
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

// shown returns the object as in responses and deliveries: the common fields, then those of its model that are set.
func (e *entity) shown(s *State, host string) object {
	k := findKind(e.Kind)
	changes := []any{
		object{{"employeeId", employeeNumber}, {"timestamp", timestamp(e.Made)}, {"changeType", "CREATE"}},
		object{{"employeeId", employeeNumber}, {"timestamp", timestamp(e.Changed)}, {"changeType", "UPDATE"}},
	}
	all := object{
		{"id", e.ID},
		{"version", e.Version},
		{"changes", hidden{changes[:min(e.Version+1, 2)]}},
		{"url", k.address(host, e.ID)},
	}
	model, _ := payload.Find(k.model)
	return append(all, view{s, e.Company, host}.fields(model, e.Fields)...)
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
	if k := findKind(e.Kind); !k.unversioned {
		e.Version++
	}
	e.Changed = now
	s.dirty = true
}

func (s *State) removeEntity(removed *entity) {
	s.Entities = slices.DeleteFunc(s.Entities, func(e *entity) bool { return e == removed })
	s.dirty = true
}
