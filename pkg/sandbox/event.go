package sandbox

import (
	"net/http"
	"strings"
)

// The verbs of events.
const (
	create   = "create"
	update   = "update"
	deletion = "delete"
)

// event is a change of an object of a kind.
type event struct {
	name  string
	kind  kind
	verb  string
	about string
}

// model returns the type of the delivered object; empty for a deletion, and if it is unknown.
func (e event) model(switches Switches) string {
	switch {
	case e.verb == deletion:
		return ""
	case e.kind.name == "voucherstatus" && switches.is(switchVoucherStatus, "voucher"):
		return "Voucher"
	}
	return e.kind.model
}

// events returns all events. Their names are in lower case, as observed.
func events() []event {
	var all []event
	for _, k := range kinds() {
		for _, e := range []event{
			{k.created, k, create, k.about + " created"},
			{k.updated, k, update, k.about + " updated"},
			{k.deleted, k, deletion, k.about + " deleted"},
		} {
			switch e.name {
			case "":
				continue
			case "invoice.charged":
				e.about += " and charged"
			case "notification.sent":
				e.about = "Notification sent"
			case "voucherstatus.ready":
				e.about = "Voucher ready for processing"
			}
			all = append(all, e)
		}
	}
	return all
}

// EventNames returns the names of all events.
func EventNames() []string {
	all := events()
	names := make([]string, len(all))
	for i, e := range all {
		names[i] = e.name
	}
	return names
}

// findEvent returns an event by name, ignoring case depending on the switch.
func findEvent(name string, switches Switches) (event, bool) {
	anyCase := switches.is(switchEventCase, "ignore")
	for _, e := range events() {
		if e.name == name || anyCase && strings.EqualFold(e.name, name) {
			return e, true
		}
	}
	return event{}, false
}

func listEvents(_ *State, r *request) *reply {
	named := map[string]object{}
	for _, e := range events() {
		described := object{{"description", e.about}}
		if model := orNull(e.model(r.switches)); !r.switches.is(switchPayloadModel, "absent") {
			if r.switches.is(switchPayloadModel, "null") {
				model = nil
			}
			described = append(described, field{"payloadModel", model})
		}
		named[e.name] = described
	}
	return value(http.StatusOK, named)
}

func showEvent(state *State, r *request) *reply {
	e, ok := findEvent(r.lastSegment(), r.switches)
	if !ok {
		return notFound()
	}
	sample, about := subscription{ID: firstID, Event: e.name}, newEntity(e.kind, exampleID, 1)
	if e.kind.unversioned {
		about.Version = 0
	}
	return filtered(r, object{
		{"name", e.name},
		{"description", e.about},
		{"payloadModel", orNull(e.model(r.switches))},
		{"examples", []any{state.envelope(&sample, about, r.Host)}},
	}, "EventInfo")
}

// exampleID is the object ID in example deliveries.
const exampleID = 1001
