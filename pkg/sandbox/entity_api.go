package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/payload"
)

// This file contains the endpoints for objects, which are the same for every kind.

// maxMatches is the maximum number of objects that a list may match, independent of count. Source: the official FAQ,
// second-hand.
const maxMatches = 10000

// entityEndpoints returns the endpoints of every kind of object.
func entityEndpoints() []endpoint {
	var all []endpoint
	for _, k := range kinds() {
		if k.path == "" {
			continue
		}
		for _, e := range []struct {
			method, below, does string
			handle              func(kind, *State, *request) *reply
		}{
			{http.MethodGet, "", "", listEntities},
			{http.MethodPost, "", create, createEntity},
			{http.MethodDelete, "/list", deletion, deleteEntities},
			{http.MethodGet, "/{}", "", showEntity},
			{http.MethodPut, "/{}", update, updateEntity},
			{http.MethodDelete, "/{}", deletion, deleteEntity},
		} {
			if k.can(e.does) {
				handle := func(s *State, r *request) *reply { return e.handle(k, s, r) }
				all = append(all, endpoint{method: e.method, path: k.path + e.below, handle: handle})
			}
		}
	}
	return all
}

func listEntities(k kind, state *State, r *request) *reply {
	wanted, refused := r.entityFilter(k)
	if refused != nil {
		return refused
	}
	inactive := r.URL.Query().Get("isInactive") == "true"
	var found []*entity
	for _, e := range state.Entities {
		if k.inactive && (string(e.Fields["isInactive"]) == "true") != inactive {
			continue
		}
		if e.Kind == k.name && e.Company == r.login.company && wanted(e) {
			found = append(found, e)
		}
	}
	if len(found) > maxMatches {
		return apiError(http.StatusUnprocessableEntity, 23000, "Result set too large", "")
	}
	return list(r, len(found), func(i int) object { return found[i].shown(state, r.Host) }, k.model, true)
}

// entityFilter returns the filter for the parameters of a list.
func (r *request) entityFilter(k kind) (wanted func(*entity) bool, refused *reply) {
	query := r.URL.Query()
	if k.date != "" {
		from, to := query.Get(k.date+"From"), query.Get(k.date+"To")
		var complaints []validation
		for _, name := range []string{k.date + "From", k.date + "To"} {
			if _, err := time.Parse(time.DateOnly, query.Get(name)); err != nil {
				complaints = append(complaints, validation{Field: name, Message: "Kan ikke være null."})
			}
		}
		if complaints != nil {
			return nil, invalid(complaints...)
		}
		return func(e *entity) bool {
			date := ""
			return json.Unmarshal(e.Fields[k.date], &date) == nil && date >= from && date < to
		}, nil
	}
	if text := query.Get("changedSince"); k.changedSince && text != "" {
		since, err := parseTime(text)
		if err != nil {
			return nil, wrongFormat("date and time", text)
		}
		return func(e *entity) bool { return e.Changed.After(since) }, nil
	}
	return func(*entity) bool { return true }, nil
}

// parseTime parses a time in a format of the service; without a zone it is UTC.
func parseTime(text string) (t time.Time, err error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateOnly} {
		if t, err = time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return t, err
}

func showEntity(k kind, state *State, r *request) *reply {
	found, refused := state.namedEntity(k, r)
	if refused != nil {
		return refused
	}
	return filtered(r, found.shown(state, r.Host), k.model)
}

func (s *State) namedEntity(k kind, r *request) (*entity, *reply) {
	id, refused := r.pathID()
	if refused != nil {
		return nil, refused
	}
	found := s.entity(k, r.login.company, id)
	if found == nil {
		return nil, notFound()
	}
	return found, nil
}

func createEntity(k kind, state *State, r *request) *reply {
	body, refused := r.entityBody(k)
	if refused != nil {
		return refused
	}
	if _, ok := body.fields["id"]; ok {
		return invalid(validation{Field: "id", Message: "An ID cannot be set when creating a new object"}.at("null"))
	}
	made := state.addEntity(&entity{Kind: k.name, Company: r.login.company, Fields: body.fields}, r.now)
	state.fire(k.created, made, r.Host, r.now)
	return value(http.StatusCreated, made.shown(state, r.Host))
}

func updateEntity(k kind, state *State, r *request) *reply {
	found, refused := state.namedEntity(k, r)
	if refused != nil {
		return refused
	}
	body, refused := r.entityBody(k)
	if refused != nil {
		return refused
	}
	if body.version != nil && *body.version != found.Version {
		return moved()
	}
	delete(body.fields, "id")
	state.changeEntity(found, body.fields, r.now)
	state.fire(k.updated, found, r.Host, r.now)
	return value(http.StatusOK, found.shown(state, r.Host))
}

func deleteEntity(k kind, state *State, r *request) *reply {
	found, refused := state.namedEntity(k, r)
	if refused != nil {
		return refused
	}
	state.removeEntity(found)
	state.fire(k.deleted, found, r.Host, r.now)
	return noContent()
}

func deleteEntities(k kind, state *State, r *request) *reply {
	ids, refused := r.idList()
	if refused != nil {
		return refused
	}
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	found := make([]*entity, len(ids))
	for i, id := range ids {
		if found[i] = state.entity(k, r.login.company, id); found[i] == nil {
			return notFound()
		}
	}
	for _, e := range found {
		state.removeEntity(e)
		state.fire(k.deleted, e, r.Host, r.now)
	}
	return noContent()
}

// entityBody is the body of a create or an update.
type entityBody struct {
	fields  map[string]json.RawMessage
	version *int
}

// entityBody reads an object without the fields that the service sets.
func (r *request) entityBody(k kind) (body entityBody, refused *reply) {
	if refused = r.decode(&body.fields); refused != nil {
		return body, refused
	}
	if body.fields == nil {
		return body, unmapped()
	}
	model, _ := payload.Find(k.model)
	if complaints := wrongFields(model, body.fields, ""); complaints != nil {
		return body, unmapped(complaints...)
	}
	_ = json.Unmarshal(body.fields["version"], &body.version) // of the right type, or absent
	for _, name := range []string{"version", "url", "changes"} {
		delete(body.fields, name)
	}
	return body, nil
}

// maxComplaints is the number of messages about one request after which the rest is not examined.
const maxComplaints = 100

// wrongFields returns one message per field that a model does not have or that has another type, also in objects below
// it. Source: observed; the path of a field below another one is a guess.
func wrongFields(m payload.Model, fields map[string]json.RawMessage, above string) []validation {
	var all []validation
	for _, name := range sortedKeys(fields) {
		if len(all) >= maxComplaints {
			return all
		}
		f, known := m.Field(name)
		path := above + name
		switch {
		case !known:
			all = append(all, validation{Field: name, Message: "Feltet eksisterer ikke i objektet."})
		case !f.Accepts(fields[name]):
			all = append(all, validation{Field: name, Message: "Verdien er ikke av korrekt type for dette feltet.", Path: &path})
		case len(f.Model().Fields) > 0:
			for _, below := range objectsIn(fields[name]) {
				all = append(all, wrongFields(f.Model(), below, path+".")...)
			}
		}
	}
	return all
}

// objectsIn returns the object, or the objects of a list.
func objectsIn(raw json.RawMessage) (many []map[string]json.RawMessage) {
	var one map[string]json.RawMessage
	if json.Unmarshal(raw, &one) == nil {
		return append(many, one)
	}
	_ = json.Unmarshal(raw, &many) // a list of objects, as its type was checked
	return many
}

// idList reads the IDs of a bulk deletion.
func (r *request) idList() ([]int64, *reply) {
	var ids []int64
	for text := range strings.SplitSeq(r.URL.Query().Get("ids"), ",") {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil || id <= 0 {
			return nil, apiError(http.StatusUnprocessableEntity, 12000,
				fmt.Sprintf("'%s': Listen med ID-er må være en kommaseparert liste med positive heltall.", text), "")
		}
		ids = append(ids, id)
	}
	return ids, nil
}
