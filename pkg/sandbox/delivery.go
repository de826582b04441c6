package sandbox

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/payload"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/sender"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// delivery is a queued delivery.
type delivery struct {
	Key          string `json:"key"`
	Subscription int64  `json:"subscription"`
	Event        string `json:"event"`
	Object       int64  `json:"object"`
	Host         string `json:"host"`
	// Body is a string, because encoding raw JSON could change its bytes.
	Body     string `json:"body"`
	Attempts int    `json:"attempts"`
	// Due is the time of the next attempt; for a delivery in flight, the end of its lease.
	Due      time.Time `json:"due"`
	InFlight bool      `json:"underWay"`
}

// Attempt is one attempt of a delivery and its result.
type Attempt struct {
	Key            string
	SubscriptionID int64
	Event          string
	ObjectID       int64
	// Target may contain credentials: mask it before printing.
	Target string
	// Number counts the attempts of the delivery, from 1.
	Number int
	// Answer is the response; its status is 0 if Err is set.
	Answer sender.Response
	Err    error
	// Delivered reports success.
	Delivered bool
	// Retry is the time of the next attempt; zero without one.
	Retry time.Time
}

// Record returns the JSON form of the attempt, with the target as returned by show.
func (a Attempt) Record(show func(string) string) sender.AttemptRecord {
	return sender.AttemptRecord{
		Event: a.Event, ObjectID: a.ObjectID, SubscriptionID: a.SubscriptionID, TargetURL: show(a.Target), IdempotencyKey: a.Key,
		Delivered:   a.Delivered,
		HTTPAttempt: sender.NewHTTPAttempt(a.Number, a.Answer.Status, a.Answer.Duration, a.Answer.Body, a.Err),
	}
}

// fire queues a delivery for every subscription to an event, and returns their keys.
func (s *State) fire(name string, about *entity, host string, now time.Time) (fired []string) {
	if s.loses(about.Company) {
		return nil
	}
	for i := range s.Subscriptions {
		sub := &s.Subscriptions[i]
		if name == "" || !strings.EqualFold(sub.Event, name) || sub.Company != about.Company || sub.Status != statusActive || s.isNew(sub, now) {
			continue
		}
		d := &delivery{Key: sender.NewKey(), Subscription: sub.ID, Event: sub.Event, Object: about.ID, Host: host, Due: now}
		d.write(s.envelope(sub, about, host))
		if sub.Event == kindEvent(about, update) && s.Switches.is(switchRapidChanges, "latest") {
			if waiting := s.unsent(d); waiting != nil {
				waiting.Body = d.Body
				fired = append(fired, waiting.Key)
				continue
			}
			d.Due = now.Add(coalescing)
		}
		s.Deliveries = append(s.Deliveries, d)
		fired = append(fired, d.Key)
		s.dirty = true
	}
	return fired
}

// write sets the body.
func (d *delivery) write(body object) {
	if raw, err := body.MarshalJSON(); err == nil { // always, as the object came from JSON
		d.Body = string(raw)
	}
}

// isNew reports whether a subscription is too new to receive events (propagation delay).
func (s *State) isNew(sub *subscription, now time.Time) bool {
	return now.Before(sub.Made.Add(s.propagation()))
}

// propagation returns the time before a new subscription receives events.
func (s *State) propagation() time.Duration {
	delay, _ := time.ParseDuration(s.Switches.value(switchPropagation)) // one of the values of the switch
	return delay
}

func kindEvent(about *entity, verb string) string {
	k := findKind(about.Kind)
	return map[string]string{create: k.created, update: k.updated, deletion: k.deleted}[verb]
}

// unsent returns the queued delivery of the same object without an attempt, or nil.
func (s *State) unsent(like *delivery) *delivery {
	i := slices.IndexFunc(s.Deliveries, func(d *delivery) bool {
		return d.Subscription == like.Subscription && d.Object == like.Object && d.Event == like.Event && d.Attempts == 0 && !d.InFlight
	})
	if i < 0 {
		return nil
	}
	return s.Deliveries[i]
}

// envelope returns the body of a delivery, filtered as in a GET. Source: the official webhook page; the order of the
// fields is that of the specification and of the newest sample.
func (s *State) envelope(sub *subscription, about *entity, host string) object {
	id, shown := s.delivered(about, host)
	var value any = shown.pick(s.deliveredFields(sub))
	if sub.Event == kindEvent(about, deletion) {
		value = nil
	}
	rest := object{{"event", sub.Event}, {"subscriptionId", sub.ID}, {"id", id}}
	if s.Switches.is(switchEnvelopeOrder, "value-last") {
		return object{rest[1], rest[0], rest[2], {"value", value}}
	}
	return append(object{{"value", value}}, rest...)
}

// delivered returns the ID and the object that an event about an object carries.
func (s *State) delivered(about *entity, host string) (int64, object) {
	if about.Kind != "voucherstatus" || s.Switches.is(switchVoucherStatus, "status") {
		return about.ID, about.shown(s, host)
	}
	var referenced struct{ ID int64 }
	_ = json.Unmarshal(about.Fields["voucher"], &referenced) // without one, the ID is 0
	k := findKind("voucher")
	voucher := s.entity(k, about.Company, referenced.ID)
	if voucher == nil {
		voucher = newEntity(k, referenced.ID, 0)
	}
	return voucher.ID, voucher.shown(s, host)
}

// deliveredFields returns the filter of a subscription without unknown names, which a switch lets pass.
func (s *State) deliveredFields(sub *subscription) payload.Filter {
	filter, err := payload.Parse(sub.Fields)
	if err != nil {
		return nil
	}
	about, _ := findEvent(sub.Event, s.Switches)
	if model, ok := payload.Find(about.model(s.Switches)); ok {
		filter, _ = model.Check(filter)
	}
	return filter
}

// outgoing returns the request of a delivery.
func (s *State) outgoing(d *delivery, sub *subscription) sender.Delivery {
	out := sender.Delivery{
		Target: sub.TargetURL, Key: d.Key, Body: []byte(d.Body), Secret: secret.Text(sub.HMACSharedSecret),
		AuthHeader: sub.AuthHeaderName, AuthValue: secret.Text(sub.AuthHeaderValue), UserAgent: "tlxhook-sandbox",
	}
	if s.Switches.is(switchContentType, "plain") {
		out.ContentType = "application/json"
	}
	if target, err := url.Parse(sub.TargetURL); err == nil && target.User != nil &&
		strings.EqualFold(out.AuthHeader, "Authorization") && s.Switches.is(switchCredentials, "url") {
		out.AuthHeader = ""
	}
	if out.Secret == "" {
		if s.Switches.is(switchUnsignedKey, "absent") {
			out.Key = ""
		}
		return out
	}
	return s.signed(out)
}

// signed adds the signature.
func (s *State) signed(out sender.Delivery) sender.Delivery {
	key := out.Secret
	if s.Switches.is(switchSignatureKey, "base64") {
		key = decoded(key)
	}
	out.Signature = webhook.Sign(key.Reveal(), out.Key, out.Body)
	if s.Switches.is(switchSignatureText, "unpadded") {
		out.Signature = strings.TrimRight(out.Signature, "=")
	}
	return out
}

// accepts reports whether a status is a success.
func (s *State) accepts(status int) bool {
	switch s.Switches.value(switchDeliveredBy) {
	case "200":
		return status == http.StatusOK
	case "below-400":
		return status >= 200 && status < 400
	default:
		return status >= 200 && status < 300
	}
}
