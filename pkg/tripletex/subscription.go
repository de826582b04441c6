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

// Status is the state of a subscription. Tripletex may add others.
type Status string

// The known statuses. Tripletex sets the last three itself, without a notification.
const (
	Active                    Status = "ACTIVE"
	Disabled                  Status = "DISABLED"
	DisabledTooManyErrors     Status = "DISABLED_TOO_MANY_ERRORS"
	DisabledRateLimitExceeded Status = "DISABLED_RATE_LIMIT_EXCEEDED"
	DisabledMisuse            Status = "DISABLED_MISUSE"
)

// Statuses returns the known statuses.
func Statuses() []Status {
	return []Status{Active, Disabled, DisabledTooManyErrors, DisabledRateLimitExceeded, DisabledMisuse}
}

// Subscription delivers an event to a target. The API never returns its auth header value and HMAC secret.
type Subscription struct {
	ID int64 `json:"id"`
	// Version counts the updates, from 0.
	Version int    `json:"version"`
	Event   string `json:"event"`
	// TargetURL may contain credentials in its userinfo or query. Mask it before printing, with [secret.MaskURL].
	TargetURL string `json:"targetUrl"`
	// Fields selects fields of the delivered object, such as "id,customer(name)". Empty selects all.
	Fields         string `json:"fields"`
	Status         Status `json:"status"`
	AuthHeaderName string `json:"authHeaderName"`
	// Changes is the history. It is empty unless requested with [WithChanges].
	Changes []Change `json:"changes,omitempty"`
}

// Change is an entry of the history of a subscription.
type Change struct {
	EmployeeID int64  `json:"employeeId"`
	Timestamp  string `json:"timestamp"`  // RFC 3339
	ChangeType string `json:"changeType"` // such as CREATE
}

// NewSubscription is a subscription to create. Event and TargetURL are required; see [NewSubscription.Check] for limits.
// JSON output has its secrets redacted.
type NewSubscription struct {
	Event            string      `json:"event"`
	TargetURL        string      `json:"targetUrl"`
	Fields           string      `json:"fields,omitempty"`
	Status           Status      `json:"status,omitempty"`
	AuthHeaderName   string      `json:"authHeaderName,omitempty"`
	AuthHeaderValue  secret.Text `json:"authHeaderValue,omitempty"`
	HMACSharedSecret secret.Text `json:"hmacSharedSecret,omitempty"`
}

// SubscriptionUpdate is a change of a subscription. Empty fields are left unchanged. JSON output has its secrets redacted.
type SubscriptionUpdate struct {
	ID int64 `json:"id"`
	// Version is the version that was read. If the subscription has another one, the update is a [Conflict] error.
	Version   int    `json:"version"`
	TargetURL string `json:"targetUrl,omitempty"`
	// Fields points to the new filter, which may be empty for all fields. Nil leaves it unchanged.
	Fields           *string     `json:"fields,omitempty"`
	Status           Status      `json:"status,omitempty"`
	AuthHeaderName   string      `json:"authHeaderName,omitempty"`
	AuthHeaderValue  secret.Text `json:"authHeaderValue,omitempty"`
	HMACSharedSecret secret.Text `json:"hmacSharedSecret,omitempty"`

	event, target string // of the subscription that was read, if known; the response must have them
}

// For returns the update for each subscription, with its ID and version. It returns an error if an auth header value is
// set for a subscription without an auth header.
func (u SubscriptionUpdate) For(all []Subscription) ([]SubscriptionUpdate, error) {
	updates := make([]SubscriptionUpdate, len(all))
	for i, s := range all {
		if u.AuthHeaderValue != "" && u.AuthHeaderName == "" && s.AuthHeaderName == "" {
			return nil, fmt.Errorf("subscription %d has no auth header for the value", s.ID)
		}
		updates[i] = u
		updates[i].ID, updates[i].Version, updates[i].event, updates[i].target = s.ID, s.Version, s.Event, s.TargetURL
	}
	return updates, nil
}

// WithChanges is a fields filter for [Client.Subscriptions] that adds [Subscription.Changes]. Source: API overview.
const WithChanges = "*,changes"

// Subscriptions yields the subscriptions of the login in the company. Fields selects the returned fields in the syntax
// of Tripletex; empty selects all except the changes. An error ends the iteration.
//
// GET /event/subscription.
func (c *Client) Subscriptions(ctx context.Context, fields string) iter.Seq2[Subscription, error] {
	return pages(ctx, c, subscriptionList(fields), subscriptionID)
}

// Subscription returns one subscription with its changes, or a [NotFound] error.
//
// GET /event/subscription/{id}.
func (c *Client) Subscription(ctx context.Context, id int64) (Subscription, error) {
	return value[Subscription](ctx, c, call{
		operation: "show subscription " + strconv.FormatInt(id, 10), method: http.MethodGet,
		path: subscriptionPath(id), query: url.Values{"fields": {WithChanges}},
	})
}

// UpdateSubscription updates one subscription if it still has the version of the update; if not, it returns a
// [Conflict] error.
//
// PUT /event/subscription/{id}.
func (c *Client) UpdateSubscription(ctx context.Context, u SubscriptionUpdate) (Subscription, error) {
	updated, err := c.UpdateSubscriptions(ctx, []SubscriptionUpdate{u})
	if err != nil {
		return Subscription{}, err
	}
	return updated[0], nil
}

// DeleteSubscription deletes one subscription. If it does not exist, it returns a [NotFound] error.
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
