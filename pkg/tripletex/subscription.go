package tripletex

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"github.com/tlxhook/tlxhook/pkg/secret"
)

// Status is the state of a subscription. The list of them is documented as open.
type Status string

// The known states. Tripletex sets the last three by itself and tells nobody.
const (
	Active                    Status = "ACTIVE"
	Disabled                  Status = "DISABLED"
	DisabledTooManyErrors     Status = "DISABLED_TOO_MANY_ERRORS"
	DisabledRateLimitExceeded Status = "DISABLED_RATE_LIMIT_EXCEEDED"
	DisabledMisuse            Status = "DISABLED_MISUSE"
)

// Statuses returns the known states.
func Statuses() []Status {
	return []Status{Active, Disabled, DisabledTooManyErrors, DisabledRateLimitExceeded, DisabledMisuse}
}

// Subscription says that an event is to be delivered to a target. The service never returns its two secrets.
type Subscription struct {
	ID int64 `json:"id"`
	// Version counts the updates, from 0.
	Version int    `json:"version"`
	Event   string `json:"event"`
	// TargetURL may hold credentials in its userinfo or query. Mask it before printing: [secret.MaskURL].
	TargetURL string `json:"targetUrl"`
	// Fields filters the delivered object; empty means all of it.
	Fields         string `json:"fields"`
	Status         Status `json:"status"`
	AuthHeaderName string `json:"authHeaderName"`
	// Changes holds when it was created and changed. Only [Client.Subscription] asks for it.
	Changes []Change `json:"changes,omitempty"`
}

// Change is one entry of the history that the service keeps of a thing.
type Change struct {
	EmployeeID int64  `json:"employeeId"`
	Timestamp  string `json:"timestamp"`
	ChangeType string `json:"changeType"`
}

// NewSubscription is what a new subscription may say. Marshaled, its secrets are redacted.
type NewSubscription struct {
	Event            string      `json:"event"`
	TargetURL        string      `json:"targetUrl"`
	Fields           string      `json:"fields,omitempty"`
	Status           Status      `json:"status,omitempty"`
	AuthHeaderName   string      `json:"authHeaderName,omitempty"`
	AuthHeaderValue  secret.Text `json:"authHeaderValue,omitempty"`
	HMACSharedSecret secret.Text `json:"hmacSharedSecret,omitempty"`
}

// SubscriptionUpdate is what is to change in a subscription; what is empty stays. Marshaled, its secrets are
// redacted.
type SubscriptionUpdate struct {
	ID int64 `json:"id"`
	// Version is the one that was read. If the subscription has moved on, the update is a [Conflict].
	Version   int    `json:"version"`
	TargetURL string `json:"targetUrl,omitempty"`
	// Fields points to the new filter, which may be empty for the whole object; nil leaves the old one.
	Fields           *string     `json:"fields,omitempty"`
	Status           Status      `json:"status,omitempty"`
	AuthHeaderName   string      `json:"authHeaderName,omitempty"`
	AuthHeaderValue  secret.Text `json:"authHeaderValue,omitempty"`
	HMACSharedSecret secret.Text `json:"hmacSharedSecret,omitempty"`
}

// For returns the update for each of several subscriptions, guarded by the versions that were read.
func (u SubscriptionUpdate) For(all []Subscription) ([]SubscriptionUpdate, error) {
	updates := make([]SubscriptionUpdate, len(all))
	for i, s := range all {
		if u.AuthHeaderValue != "" && u.AuthHeaderName == "" && s.AuthHeaderName == "" {
			return nil, fmt.Errorf("subscription %d has no auth header to give a value to", s.ID)
		}
		updates[i] = u
		updates[i].ID, updates[i].Version = s.ID, s.Version
	}
	return updates, nil
}

// WithChanges is the fields filter that brings the changes of a subscription too.
// Source of "only where asked for": API overview.
const WithChanges = "*,changes"

// Subscriptions yields the subscriptions of the login in the company. Fields filters what comes of each, in
// Tripletex's own grammar; empty means all but the changes.
//
// GET /event/subscription.
func (c *Client) Subscriptions(ctx context.Context, fields string) iter.Seq2[Subscription, error] {
	return pages(ctx, c, subscriptionList(fields), subscriptionID)
}

// Subscription returns one subscription with its changes. One that is not there is a [NotFound] error.
//
// GET /event/subscription/{id}.
func (c *Client) Subscription(ctx context.Context, id int64) (Subscription, error) {
	return value[Subscription](ctx, c, call{
		operation: "show subscription " + strconv.FormatInt(id, 10), method: http.MethodGet,
		path: subscriptionPath(id), query: url.Values{"fields": {WithChanges}},
	})
}

// UpdateSubscription changes one subscription, if it still has the version of the update.
//
// PUT /event/subscription/{id}.
func (c *Client) UpdateSubscription(ctx context.Context, u SubscriptionUpdate) (Subscription, error) {
	updated, err := c.UpdateSubscriptions(ctx, []SubscriptionUpdate{u})
	if err != nil {
		return Subscription{}, err
	}
	return updated[0], nil
}

// DeleteSubscription deletes one subscription. One that is not there is a [NotFound] error.
//
// DELETE /event/subscription/{id}.
func (c *Client) DeleteSubscription(ctx context.Context, id int64) error {
	return c.DeleteSubscriptions(ctx, []int64{id})
}

func subscriptionPath(id int64) string { return "/event/subscription/" + strconv.FormatInt(id, 10) }

func subscriptionList(fields string) call {
	list := call{operation: "list subscriptions", path: "/event/subscription"}
	if fields != "" {
		list.query = url.Values{"fields": {fields}}
	}
	return list
}

func subscriptionID(s Subscription) int64 { return s.ID }
