package sandbox

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/payload"
)

// sortKey is one part of the sorting parameter: a field or a field of another object, ascending or descending.
type sortKey struct {
	path []string
	down bool
}

// sorted returns the objects in the order of the sorting parameter. Unknown fields are refused: the status was observed,
// the text is a guess. Without the parameter the order is that of the IDs.
func (r *request) sorted(n int, at func(int) object, model string) (func(int) object, *reply) {
	text := r.URL.Query().Get("sorting")
	m, _ := payload.Find(model)
	var keys []sortKey
	for part := range strings.SplitSeq(text, ",") {
		name, down := strings.CutPrefix(strings.TrimSpace(part), "-")
		key := sortKey{strings.Split(name, "."), down}
		if _, ok := m.At(key.path...); !ok && text != "" {
			return nil, invalid(validation{Field: "sorting", Message: "Ukjent felt: " + name})
		}
		keys = append(keys, key)
	}
	if text == "" || text == "id" {
		return at, nil
	}
	all := make([]sortable, n)
	for i := range all {
		all[i] = newSortable(at(i), keys)
	}
	slices.SortStableFunc(all, func(a, b sortable) int { return a.compare(b, keys) })
	return func(i int) object { return all[i].object }, nil
}

// sortable is an object with the values that it is sorted by.
type sortable struct {
	object object
	values []any
}

func newSortable(o object, keys []sortKey) sortable {
	s := sortable{object: o}
	for _, key := range keys {
		s.values = append(s.values, plain(o.at(key.path)))
	}
	return s
}

// at returns the value at a path, also in another object.
func (o object) at(path []string) any {
	v := o.value(path[0])
	if len(path) == 1 {
		return v
	}
	if other, ok := v.(reference); ok {
		v = other.whole()
	}
	if inner, ok := v.(object); ok {
		return inner.at(path[1:])
	}
	return nil
}

// plain returns a value as read from its JSON.
func plain(v any) (read any) {
	if raw, err := marshal(v); err != nil || json.Unmarshal(raw, &read) != nil {
		return nil
	}
	return read
}

func (s sortable) compare(other sortable, keys []sortKey) int {
	for i, key := range keys {
		order := compareValues(s.values[i], other.values[i])
		if key.down {
			order = -order
		}
		if order != 0 {
			return order
		}
	}
	return 0
}

// compareValues orders numbers, texts and false before true. Values of other types are equal, and come first.
func compareValues(a, b any) int {
	numberA, isA := a.(float64)
	numberB, isB := b.(float64)
	if isA && isB {
		return cmp.Compare(numberA, numberB)
	}
	return cmp.Compare(textOf(a), textOf(b))
}

func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return map[bool]string{false: "0", true: "1"}[v]
	}
	return ""
}
