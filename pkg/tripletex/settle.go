package tripletex

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/wait"
)

// This file finds out what became of a write whose answer was lost.

const (
	// lookAfter lets the service finish what it may still be doing before the list is asked.
	lookAfter = time.Second
	// clockSkew is how far the service's clock may be behind ours when its time stamps are compared.
	clockSkew = time.Minute
)

// outcomeOpen tells whether a create that failed may have been done all the same: it was sent, and the answer
// was none, 5xx, or not readable. A redirect and every 4xx say that nothing was done.
func outcomeOpen(err error) bool {
	var e *Error
	if !errors.As(err, &e) || notSent(e) {
		return false
	}
	switch e.Kind {
	case Network, Timeout, Canceled, ServerFailed:
		return true
	case Foreign:
		return e.Status == 0
	default:
		return false
	}
}

// settleCreate looks for what an unanswered create asked for, and creates once more what is not there.
func (c *Client) settleCreate(ctx context.Context, wanted []NewSubscription, since time.Time, cause error) ([]Subscription, error) {
	found, missing, err := c.lookForCreated(ctx, wanted, since)
	if err != nil || len(missing) == 0 {
		return found, openError(err, cause)
	}
	made, err := c.postSubscriptions(ctx, missing)
	if err != nil && (outcomeOpen(err) || KindOf(err) == Conflict) {
		var late []Subscription
		var lookErr error
		late, missing, lookErr = c.lookForCreated(ctx, missing, since)
		switch {
		case lookErr != nil:
			err = openError(lookErr, err)
		case len(missing) == 0:
			err = nil
		}
		made = late
	}
	return append(found, made...), err
}

// openError is the [Unknown] error for a look that failed after cause, or nil if the look did not fail.
func openError(look, cause error) error {
	if look == nil {
		return nil
	}
	var e *Error
	if !errors.As(cause, &e) {
		return cause
	}
	open := *e
	open.Kind = Unknown
	open.Err = &unseen{*e, look}
	return &open
}

// unseen is a write that had no good answer, and why nobody can see what became of it.
type unseen struct {
	write Error
	look  error
}

// Error returns both in one line.
func (u *unseen) Error() string {
	was, why := http.StatusText(u.write.Status), u.look.Error()
	if u.write.Status == 0 {
		was = u.write.cause()
	}
	switch {
	case errors.Is(u.look, context.DeadlineExceeded):
		why = "there was no time to look for it"
	case errors.Is(u.look, context.Canceled):
		why = "it was interrupted before it could look for it"
	}
	return was + ", and " + why
}

// Unwrap returns both.
func (u *unseen) Unwrap() []error { return []error{&u.write, u.look} }

var errTwins = errors.New("one that looks the same is there, and the service does not say when it was made")

// lookForCreated lists the subscriptions and picks those that were made since a time as wanted.
func (c *Client) lookForCreated(ctx context.Context, wanted []NewSubscription, since time.Time) (found []Subscription,
	missing []NewSubscription, err error,
) {
	if err := wait.For(ctx, lookAfter); err != nil {
		return nil, nil, err
	}
	var all []Subscription
	for s, err := range c.Subscriptions(ctx, WithChanges) {
		if err != nil {
			return nil, nil, err
		}
		all = append(all, s)
	}
	for _, n := range wanted {
		i, err := pick(all, n, since)
		switch {
		case err != nil:
			return nil, nil, err
		case i < 0:
			missing = append(missing, n)
		default:
			all[i].Changes = nil // as the lost answer would have had it
			found = append(found, all[i])
			all = slices.Delete(all, i, i+1)
		}
	}
	return found, missing, nil
}

// pick returns the place of a subscription that was made since a time as wanted, or -1. Somebody may have changed it
// already, so only one that nobody has must look as it was made.
func pick(all []Subscription, n NewSubscription, since time.Time) (int, error) {
	for i, s := range all {
		if !strings.EqualFold(s.Event, n.Event) || s.TargetURL != sentTarget(n.TargetURL) ||
			s.Version == 0 && (s.Fields != n.Fields || s.AuthHeaderName != n.AuthHeaderName) {
			continue
		}
		made, ok := s.created()
		if !ok {
			return -1, errTwins
		}
		if !made.Before(since.Add(-clockSkew)) {
			return i, nil
		}
	}
	return -1, nil
}

// created returns when the service says that a subscription was made.
func (s Subscription) created() (time.Time, bool) {
	for _, change := range s.Changes {
		if at, err := time.Parse(time.RFC3339, change.Timestamp); err == nil && change.ChangeType == "CREATE" {
			return at, true
		}
	}
	return time.Time{}, false
}

var errUnseen = errors.New("it was changed, and as secrets are not shown, nobody can tell whether by this update")

// settleUpdate decides whether the conflict that a repeated update met is the update itself.
func (c *Client) settleUpdate(ctx context.Context, updates []SubscriptionUpdate, conflict error) ([]Subscription, error) {
	updated := make([]Subscription, 0, len(updates))
	for _, u := range updates {
		now, err := c.Subscription(ctx, u.ID)
		if err != nil {
			return nil, err
		}
		if now.Version != u.Version+1 || !u.shows(now) {
			return nil, conflict
		}
		if u.AuthHeaderValue != "" || u.HMACSharedSecret != "" {
			return nil, openError(errUnseen, conflict)
		}
		updated = append(updated, now)
	}
	return updated, nil
}

// shows tells whether a subscription has what an update asked for, as far as the service shows it.
func (u SubscriptionUpdate) shows(s Subscription) bool {
	return (u.TargetURL == "" || sentTarget(u.TargetURL) == s.TargetURL) && (u.Fields == nil || *u.Fields == s.Fields) &&
		(u.Status == "" || u.Status == s.Status) && (u.AuthHeaderName == "" || u.AuthHeaderName == s.AuthHeaderName)
}

// settleDelete decides whether the absence that a repeated delete met is its own doing.
func (c *Client) settleDelete(ctx context.Context, ids []int64, notFound error) error {
	for s, err := range c.Subscriptions(ctx, "") {
		if err != nil {
			return err
		}
		if slices.Contains(ids, s.ID) {
			return notFound
		}
	}
	return nil
}
