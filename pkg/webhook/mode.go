package webhook

import (
	"encoding/json"
	"errors"
	"net/url"
	"strconv"

	"github.com/tlxhook/tlxhook/pkg/secret"
)

// A Mode is a way in which deliveries are not as usual, to try a receiver out.
type Mode string

// The modes.
const (
	// Duplicate sends a delivery twice, with one key, as after an answer that got lost.
	Duplicate Mode = "duplicate"
	// OutOfOrder sends the version after the one in the body first. Tripletex promises no order.
	OutOfOrder Mode = "out-of-order"
	// BadSignature signs with a secret that nobody knows.
	BadSignature Mode = "bad-signature"
	// WrongAuth sends another value in the auth header, and another password than that of the target.
	WrongAuth Mode = "wrong-auth"
)

// Modes returns every mode.
func Modes() []Mode { return []Mode{Duplicate, OutOfOrder, BadSignature, WrongAuth} }

// The reasons for which a delivery has no such mode.
var (
	ErrNoVersion = errors.New("the delivery has no value.version that another one could overtake")
	ErrNoAuth    = errors.New("neither an auth header nor credentials in the target are there to be wrong")
)

// In returns what is sent instead of a delivery in a mode, in this order; the delivery alone where the mode is
// empty. Its signature is made when it is sent.
func (o Outgoing) In(mode Mode) ([]Outgoing, error) {
	switch mode {
	case Duplicate:
		return []Outgoing{o, o}, nil
	case OutOfOrder:
		return o.overtaken()
	case BadSignature:
		o.Signature = Sign(secret.Text(NewKey()), o.Key, o.Body)
	case WrongAuth:
		return o.unauthorized()
	}
	return []Outgoing{o}, nil
}

func (o Outgoing) overtaken() ([]Outgoing, error) {
	var about struct {
		Value struct {
			Version *int64 `json:"version"`
		} `json:"value"`
	}
	if json.Unmarshal(o.Body, &about) != nil || about.Value.Version == nil {
		return nil, ErrNoVersion
	}
	body, err := SetField(o.Body, "value.version", strconv.FormatInt(*about.Value.Version+1, 10))
	if err != nil {
		return nil, err
	}
	later := o
	later.Key, later.Body = NewKey(), body
	return []Outgoing{later, o}, nil
}

func (o Outgoing) unauthorized() ([]Outgoing, error) {
	target, err := url.Parse(o.Target)
	if err != nil || target.User == nil && o.AuthHeader == "" {
		return nil, ErrNoAuth
	}
	if target.User != nil {
		target.User = url.UserPassword(target.User.Username(), NewKey())
		o.Target = target.String()
	}
	if o.AuthHeader != "" {
		o.AuthValue = secret.Text(NewKey())
	}
	return []Outgoing{o}, nil
}
