package webhook

import (
	"encoding/json"
	"errors"
	"fmt"

	jsonv2 "github.com/go-json-experiment/json"
)

// ErrEnvelope is the cause of every error about a body that is no delivery.
var ErrEnvelope = errors.New("the body is no delivery")

// Envelope is the body of a delivery. Source: official webhook page.
type Envelope struct {
	SubscriptionID int64  `json:"subscriptionId"`
	Event          string `json:"event"`
	// ID is of the object that the event is about, not of the delivery.
	ID int64 `json:"id"`
	// Value is the object, filtered by the fields of the subscription; null for a deletion.
	Value json.RawMessage `json:"value"`
}

// ParseEnvelope reads a body that was verified. It must be exactly one JSON object: a name that is there twice, a
// name in other case, invalid UTF-8 or anything behind the object is refused, as two readers could take it for
// two things.
func ParseEnvelope(body []byte) (Envelope, error) {
	var e Envelope
	if err := jsonv2.Unmarshal(body, &e); err != nil {
		return Envelope{}, fmt.Errorf("%w: %w", ErrEnvelope, err)
	}
	if e.Event == "" {
		return Envelope{}, fmt.Errorf("%w: it names no event", ErrEnvelope)
	}
	return e, nil
}

// JSON returns the body of a delivery with the envelope. A value that is not set becomes null.
func (e Envelope) JSON() ([]byte, error) { return jsonv2.Marshal(e) }
