package tripletex

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
)

// Event is a type of change that can be subscribed to, such as "order.create".
type Event struct {
	// Name has the form "object.verb". Tripletex ignores its case.
	Name string `json:"name"`
	// Description is a short text in English.
	Description string `json:"description"`
	// PayloadModel is the name of the delivered type in the API specification. It is empty for deletions, and may be
	// empty since 2.71.30.
	PayloadModel string `json:"payloadModel"`
}

// EventInfo is an event with example deliveries.
type EventInfo struct {
	Event
	Examples []Example `json:"examples"`
}

// Example is the body of an example delivery.
type Example struct {
	Value          json.RawMessage `json:"value"` // the object; null for a deletion
	Event          string          `json:"event"`
	SubscriptionID int64           `json:"subscriptionId"`
	ID             int64           `json:"id"` // of the object
}

// Events returns all events, sorted by name. It needs no login.
//
// GET /event. Source for access without a login: changelog 2.56.4.
func (c *Client) Events(ctx context.Context) ([]Event, error) {
	named, err := value[map[string]Event](ctx, c, call{
		operation: "list events", method: http.MethodGet, path: "/event", anonymous: true,
	})
	events := make([]Event, 0, len(named))
	for name, event := range named {
		event.Name = name
		events = append(events, event)
	}
	slices.SortFunc(events, func(a, b Event) int { return cmp.Compare(a.Name, b.Name) })
	return events, err
}

// Event returns an event with example deliveries, or a [NotFound] error.
//
// GET /event/{eventType}.
func (c *Client) Event(ctx context.Context, name string) (EventInfo, error) {
	return value[EventInfo](ctx, c, call{
		operation: "show event", method: http.MethodGet, path: "/event/" + url.PathEscape(name),
	})
}
