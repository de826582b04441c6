package sandbox

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tlxhook/tlxhook/pkg/payload"
	"github.com/tlxhook/tlxhook/pkg/targeturl"
)

// subscriptionBody is the body of a create or an update; absent fields are nil.
type subscriptionBody struct {
	ID               *int64  `json:"id"`
	Version          *int    `json:"version"`
	Event            *string `json:"event"`
	TargetURL        *string `json:"targetUrl"`
	Fields           *string `json:"fields"`
	Status           *string `json:"status"`
	AuthHeaderName   *string `json:"authHeaderName"`
	AuthHeaderValue  *string `json:"authHeaderValue"`
	HMACSharedSecret *string `json:"hmacSharedSecret"`
}

// subscriptionBody decodes one object and rejects unknown keys and values of another type.
func (r *request) subscriptionBody(raw json.RawMessage) (subscriptionBody, *reply) {
	var body subscriptionBody
	var keys map[string]json.RawMessage
	if json.Unmarshal(raw, &keys) != nil {
		return body, unmapped()
	}
	model, _ := payload.Find(subscriptionModel)
	for _, writeOnly := range []string{"authHeaderValue", "hmacSharedSecret"} {
		model.Fields = append(model.Fields, payload.Field{Name: writeOnly, Type: "string"})
	}
	if complaints := wrongFields(model, keys, ""); complaints != nil {
		return body, unmapped(complaints...)
	}
	if json.Unmarshal(raw, &body) != nil {
		return body, unmapped()
	}
	return body, nil
}

// check returns the validation messages. The four for an empty body and their order were observed.
func (b subscriptionBody) check(switches Switches, path string, creating bool) []validation {
	var all []validation
	complain := func(field, message string) {
		all = append(all, validation{Field: field, Message: message}.at(path))
	}
	if creating && b.ID != nil {
		complain("id", "An ID cannot be set when creating a new object")
	}
	if empty(b.TargetURL, creating) {
		complain("targetUrl", "Feltet kan ikke være tomt.")
	}
	if creating && b.TargetURL == nil {
		complain("targetUrl", "Kan ikke være null.")
	}
	if creating && b.Event == nil {
		complain("event", "Kan ikke være null.")
	}
	if empty(b.Event, creating) {
		complain("event", "Feltet kan ikke være tomt.")
	}
	if all != nil {
		return all
	}
	if b.TargetURL != nil && !targetAllowed(*b.TargetURL, switches) {
		complain("targetUrl", "Must be absolute and use HTTPS.")
	}
	if b.Event != nil {
		if _, ok := findEvent(*b.Event, switches); !ok && switches.is(switchUnknownEvent, "refuse") {
			complain("event", "Ukjent verdi.")
		}
	}
	if b.Status != nil && !slices.Contains(statuses(), *b.Status) {
		complain("status", "Ukjent verdi.")
	}
	if creating && (b.AuthHeaderName == nil) != (b.AuthHeaderValue == nil) {
		complain("authHeaderValue", "authHeaderName and authHeaderValue must be set together.")
	}
	return append(all, b.checkLengths(path)...)
}

func empty(text *string, creating bool) bool {
	return text == nil && creating || text != nil && strings.TrimSpace(*text) == ""
}

// checkLengths checks the published lengths; the texts are a guess.
func (b subscriptionBody) checkLengths(path string) []validation {
	var all []validation
	for _, f := range []struct {
		name     string
		text     *string
		min, max int
	}{
		{"event", b.Event, 0, 255},
		{"targetUrl", b.TargetURL, 0, 65535},
		{"fields", b.Fields, 0, 255},
		{"authHeaderName", b.AuthHeaderName, 0, 255},
		{"authHeaderValue", b.AuthHeaderValue, 0, 4096},
		{"hmacSharedSecret", b.HMACSharedSecret, 10, 100},
	} {
		if f.text == nil {
			continue
		}
		if n := utf8.RuneCountInString(*f.text); n < f.min || n > f.max {
			message := fmt.Sprintf("Lengden må være mellom %d og %d.", f.min, f.max)
			all = append(all, validation{Field: f.name, Message: message}.at(path))
		}
	}
	return all
}

// checkFields refuses unknown names in the filter of an event if the switch says so. Names below an unknown payload pass.
func (b subscriptionBody) checkFields(switches Switches, name string) *reply {
	about, ok := findEvent(name, switches)
	if b.Fields == nil || !ok || about.model(switches) == "" || switches.is(switchSubscriptionFields, "accept") {
		return nil
	}
	_, refused := parseFields(*b.Fields, about.model(switches))
	return refused
}

func targetAllowed(target string, switches Switches) bool {
	u, err := url.Parse(target)
	if err != nil || u.Hostname() == "" {
		return false
	}
	switch u.Scheme {
	case "https":
		return true
	case "http":
		local := targeturl.IsLoopback(u.Hostname())
		return switches.is(switchHTTPTarget, "allow") || local && switches.is(switchHTTPTarget, "loopback")
	}
	return false
}

// apply copies the fields of the body to a subscription.
func (b subscriptionBody) apply(s *subscription, switches Switches) {
	if switches.is(switchSecrets, "clear") {
		s.AuthHeaderValue, s.HMACSharedSecret = "", ""
	}
	for _, f := range []struct{ to, from *string }{
		{&s.TargetURL, b.TargetURL},
		{&s.Fields, b.Fields},
		{&s.Status, b.Status},
		{&s.AuthHeaderName, b.AuthHeaderName},
		{&s.AuthHeaderValue, b.AuthHeaderValue},
		{&s.HMACSharedSecret, b.HMACSharedSecret},
	} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	if b.Event != nil {
		s.Event = *b.Event
		if known, ok := findEvent(*b.Event, switches); ok {
			s.Event = known.name
		}
	}
}
