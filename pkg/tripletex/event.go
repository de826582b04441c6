package tripletex

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
)

// Event is something that Tripletex can tell about, such as "order.create".
type Event struct {
	// Name is the key to subscribe to, "object.verb". Names are compared without case.
	Name string `json:"name"`
	// Description is a few words in English.
	Description string `json:"description"`
	// PayloadModel names the type of the delivered object; empty for deletions and where the service does not
	// say, as it may since 2.71.30.
	PayloadModel string `json:"payloadModel"`
}

// EventInfo is an event with example deliveries.
type EventInfo struct {
	Event
	Examples []Example `json:"examples"`
}

// Example is the body of a delivery.
type Example struct {
	SubscriptionID int64           `json:"subscriptionId"`
	Event          string          `json:"event"`
	ID             int64           `json:"id"`
	Value          json.RawMessage `json:"value"`
}

// Events returns what can be subscribed to, in the order of names. It needs no login.
//
// GET /event. Source of "no login": changelog 2.56.4.
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

// Event returns one event with example deliveries. An unknown one is a [NotFound] error.
//
// GET /event/{eventType}.
func (c *Client) Event(ctx context.Context, name string) (EventInfo, error) {
	return value[EventInfo](ctx, c, call{
		operation: "show event", method: http.MethodGet, path: "/event/" + url.PathEscape(name),
	})
}
