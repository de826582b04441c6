package webhook

import (
	"encoding/json"
	"errors"
	"fmt"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/tlxhook/tlxhook/pkg/badjson"
)

// ErrEnvelope is the cause of every error of [ParseEnvelope].
var ErrEnvelope = errors.New("the body is not a delivery")

// Envelope is the body of a delivery. Source: official webhook page; order of the fields: specification 2.74.
type Envelope struct {
	// Value is the object as JSON, filtered by the fields of the subscription. It is null for a deletion.
	Value json.RawMessage `json:"value"`
	// Event is the name of the event, such as "order.create".
	Event          string `json:"event"`
	SubscriptionID int64  `json:"subscriptionId"`
	// ID identifies the object that the event is about, not the delivery.
	ID int64 `json:"id"`
}

// ParseEnvelope parses the body of a verified delivery. The body must be exactly one JSON object with an event.
// Duplicate names, invalid UTF-8 and data after the object are errors, because two parsers could read them
// differently; names are case-sensitive for the same reason. The error is [ErrEnvelope].
func ParseEnvelope(body []byte) (Envelope, error) {
	var e Envelope
	if err := jsonv2.Unmarshal(body, &e); err != nil {
		return Envelope{}, fmt.Errorf("%w: %w", ErrEnvelope, badjson.Reason(err))
	}
	if e.Event == "" {
		return Envelope{}, fmt.Errorf("%w: it names no event", ErrEnvelope)
	}
	return e, nil
}

// JSON returns the envelope as the body of a delivery. A nil Value becomes null.
func (e Envelope) JSON() ([]byte, error) { return jsonv2.Marshal(e) }
