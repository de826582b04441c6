package sender

import (
	"encoding/json"
	"errors"
	"math"
	"net/url"
	"strconv"

	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// Mode is a deviation from a normal delivery that a receiver must handle.
type Mode string

// The modes.
const (
	// Duplicate sends a delivery twice with the same key, as Tripletex does after a lost response.
	Duplicate Mode = "duplicate"
	// OutOfOrder sends a delivery of the next version before the delivery. Tripletex guarantees no order.
	OutOfOrder Mode = "out-of-order"
	// BadSignature signs with a random secret.
	BadSignature Mode = "bad-signature"
	// WrongAuth sends a random auth header value, and a random password instead of that of the target.
	WrongAuth Mode = "wrong-auth"
)

// Modes returns all modes.
func Modes() []Mode { return []Mode{Duplicate, OutOfOrder, BadSignature, WrongAuth} }

// Causes for which a delivery has no variant in a mode.
var (
	ErrNoVersion = errors.New("out-of-order requires a body with value.version")
	ErrNoAuth    = errors.New("wrong-auth requires --auth-header or credentials in --target")
)

// In returns the deliveries that a mode sends instead of d, in order. The empty mode returns d alone. The error is
// [ErrNoVersion] or [ErrNoAuth] if the mode does not apply to d.
func (d Delivery) In(mode Mode) ([]Delivery, error) {
	switch mode {
	case Duplicate:
		return []Delivery{d, d}, nil
	case OutOfOrder:
		return d.outOfOrder()
	case BadSignature:
		d.Signature = webhook.Sign(NewKey(), d.Key, d.Body)
	case WrongAuth:
		return d.wrongAuth()
	}
	return []Delivery{d}, nil
}

func (d Delivery) outOfOrder() ([]Delivery, error) {
	var payload struct {
		Value struct {
			Version *int64 `json:"version"`
		} `json:"value"`
	}
	if json.Unmarshal(d.Body, &payload) != nil || payload.Value.Version == nil || *payload.Value.Version == math.MaxInt64 {
		return nil, ErrNoVersion
	}
	body, err := SetField(d.Body, "value.version", strconv.FormatInt(*payload.Value.Version+1, 10))
	if err != nil {
		return nil, err
	}
	later := d
	later.Key, later.Body = NewKey(), body
	return []Delivery{later, d}, nil
}

func (d Delivery) wrongAuth() ([]Delivery, error) {
	target, err := url.Parse(d.Target)
	if err != nil || target.User == nil && d.AuthHeader == "" {
		return nil, ErrNoAuth
	}
	if target.User != nil {
		target.User = url.UserPassword(target.User.Username(), NewKey())
		d.Target = target.String()
	}
	if d.AuthHeader != "" {
		d.AuthValue = secret.Text(NewKey())
	}
	return []Delivery{d}, nil
}
