package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
)

// This file contains the bulk calls. Whether they are atomic is undocumented and selected by a switch.

// items decodes the array of a bulk call.
func (r *request) items() ([]subscriptionBody, *reply) {
	var raw []json.RawMessage
	if failed := r.decode(&raw); failed != nil {
		return nil, failed
	}
	bodies := make([]subscriptionBody, len(raw))
	for i := range raw {
		body, refused := r.subscriptionBody(raw[i])
		if refused != nil {
			return nil, refused
		}
		bodies[i] = body
	}
	return bodies, nil
}

func itemPath(i int) string { return fmt.Sprintf("list[%d]", i) }

func createSubscriptions(state *State, r *request) *reply {
	bodies, refused := r.items()
	if refused != nil {
		return refused
	}
	kept, nextID := slices.Clone(state.Subscriptions), state.NextID
	var shown []object
	for i, body := range bodies {
		made, failed := state.create(r, body, itemPath(i))
		if failed != nil {
			refused = failed
			continue
		}
		shown = append(shown, made.shown(r))
	}
	if refused == nil {
		return &reply{status: http.StatusCreated, body: bulkBody(shown)}
	}
	if r.switches.is(switchBulk, "all-or-nothing") {
		state.Subscriptions, state.NextID = kept, nextID
	}
	return refused
}

func bulkBody(shown []object) listBody {
	return listBody{FullResultSize: len(shown), Count: len(shown), Values: append([]object{}, shown...)}
}

func updateSubscriptions(state *State, r *request) *reply {
	bodies, refused := r.items()
	if refused != nil {
		return refused
	}
	found := make([]*subscription, len(bodies))
	for i, body := range bodies {
		if body.ID != nil {
			found[i] = state.find(r, *body.ID)
		}
		if found[i] == nil {
			return notFound()
		}
		if failed := body.updatable(r, found[i], itemPath(i)); failed != nil {
			refused = failed
			found[i] = nil
		}
	}
	if refused != nil && r.switches.is(switchBulk, "all-or-nothing") {
		return refused
	}
	var shown []object
	for i, body := range bodies {
		if found[i] == nil {
			continue
		}
		if failed := state.update(r, found[i], body, itemPath(i)); failed != nil {
			return failed // the same ID twice: the first update changed the version
		}
		shown = append(shown, found[i].shown(r))
	}
	if refused != nil {
		return refused
	}
	return &reply{status: http.StatusOK, body: bulkBody(shown)}
}

func deleteSubscriptions(state *State, r *request) *reply {
	ids, refused := r.idList()
	if refused != nil {
		return refused
	}
	present := slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { return state.find(r, id) == nil })
	if len(present) < len(ids) {
		if r.switches.is(switchBulk, "keep-valid") {
			state.remove(present...)
		}
		return notFound()
	}
	state.remove(ids...)
	return noContent()
}
