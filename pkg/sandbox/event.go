package sandbox

import (
	"net/http"
	"strings"
)

// eventInfo is an event of the catalog.
type eventInfo struct {
	name, description, model string
}

// models are the delivered types, by the object of an event. Keys are as observed: all in lower case.
func models() []eventInfo {
	return []eventInfo{
		{"account", "Account", "Account"},
		{"archiverelation", "Archive relation", "ArchiveRelation"},
		{"contact", "Contact", "Contact"},
		{"customer", "Customer", "Customer"},
		{"employee", "Employee", "Employee"},
		{"order", "Order", "Order"},
		{"product", "Product", "Product"},
		{"project", "Project", "Project"},
		{"supplier", "Supplier", "Supplier"},
		{"voucher", "Voucher", "Voucher"},
	}
}

// catalog returns every event of the sandbox, in no special order, as on the service.
func catalog() []eventInfo {
	all := []eventInfo{
		{"invoice.charged", "Invoice created and charged", "Invoice"},
		{"voucherstatus.ready", "Voucher ready for processing", "VoucherStatus"},
		{"notification.sent", "Notification sent", "Notification"},
		{"closegroup.create", "Close group created", "CloseGroup"},
		{"closegroup.delete", "Close group deleted", ""},
	}
	for _, m := range models() {
		all = append(
			all,
			eventInfo{m.name + ".create", m.description + " created", m.model},
			eventInfo{m.name + ".update", m.description + " updated", m.model},
			eventInfo{m.name + ".delete", m.description + " deleted", ""},
		)
	}
	return all
}

func eventNames() []string {
	all := catalog()
	names := make([]string, len(all))
	for i, e := range all {
		names[i] = e.name
	}
	return names
}

// findEvent returns the event of a name, compared as the switch says.
func findEvent(name string, switches Switches) (eventInfo, bool) {
	for _, e := range catalog() {
		if e.name == name || switches.is(switchEventCase, "ignore") && strings.EqualFold(e.name, name) {
			return e, true
		}
	}
	return eventInfo{}, false
}

func listEvents(_ *State, r *request) reply {
	named := map[string]object{}
	for _, e := range catalog() {
		described := object{{"description", e.description}}
		if model := orNull(e.model); !r.switches.is(switchPayloadModel, "absent") {
			if r.switches.is(switchPayloadModel, "null") {
				model = nil
			}
			described = append(described, field{"payloadModel", model})
		}
		named[e.name] = described
	}
	return value(http.StatusOK, named)
}

func showEvent(_ *State, r *request) reply {
	e, ok := findEvent(r.lastSegment(), r.switches)
	if !ok {
		return notFound()
	}
	return filtered(r, http.StatusOK, object{
		{"name", e.name},
		{"description", e.description},
		{"payloadModel", orNull(e.model)},
		{"examples", []any{map[string]any{
			"subscriptionId": firstID, "event": e.name, "id": exampleID, "value": example(e, r.Host),
		}}},
	}, "EventInfoDTO")
}
