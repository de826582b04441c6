package tripletex

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/targeturl"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// This file compares the response of a write with the request, and determines the result if the response was lost.

const (
	// verifyDelay lets the service finish the write before the list is read.
	verifyDelay = time.Second
	// clockTolerance is how far the clock of the service may be behind when its time stamps are compared.
	clockTolerance = time.Minute
)

// mayHaveTakenEffect reports whether a failed create may have taken effect: it was sent, and the response was missing,
// 5xx or unreadable. A redirect and every 4xx mean that it had no effect.
func mayHaveTakenEffect(err error) bool {
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

// verifyCreate looks for the subscriptions of an unanswered create, and creates the missing ones once more.
func (c *Client) verifyCreate(ctx context.Context, wanted []NewSubscription, since time.Time, cause error) ([]Subscription, error) {
	found, missing, err := c.findCreated(ctx, wanted, since)
	if err != nil || len(missing) == 0 {
		return found, unknownError(err, cause)
	}
	created, err := c.postSubscriptions(ctx, missing)
	if err != nil && (mayHaveTakenEffect(err) || KindOf(err) == Conflict) {
		var late []Subscription
		var listErr error
		late, missing, listErr = c.findCreated(ctx, missing, since)
		switch {
		case listErr != nil:
			err = unknownError(listErr, err)
		case len(missing) == 0:
			err = nil
		}
		created = late
	}
	return append(found, created...), err
}

// unknownError returns the [Unknown] error for a write with an error whose verification failed, or nil if it succeeded.
func unknownError(verification, cause error) error {
	if verification == nil {
		return nil
	}
	var e *Error
	if !errors.As(cause, &e) {
		return cause
	}
	unknown := *e
	unknown.Kind = Unknown
	unknown.Err = &unverifiedError{*e, verification}
	return &unknown
}

// unverifiedError combines the error of a write with the error from verifying its result.
type unverifiedError struct {
	write        Error
	verification error
}

// Error returns both errors in one line.
func (u *unverifiedError) Error() string {
	cause, reason := http.StatusText(u.write.Status), u.verification.Error()
	if u.write.Status == 0 {
		cause = u.write.cause()
	}
	switch {
	case errors.Is(u.verification, context.DeadlineExceeded):
		reason = "no time left"
	case errors.Is(u.verification, context.Canceled):
		reason = "interrupted"
	}
	return cause + "; result not verified: " + reason
}

// Unwrap returns both errors.
func (u *unverifiedError) Unwrap() []error { return []error{&u.write, u.verification} }

var errNoCreationTime = errors.New("an identical subscription exists without a creation time")

// findCreated returns the wanted subscriptions that were created since a time, and those that are missing.
func (c *Client) findCreated(ctx context.Context, wanted []NewSubscription, since time.Time) (found []Subscription,
	missing []NewSubscription, err error,
) {
	if err := wait.For(ctx, verifyDelay); err != nil {
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
		i, err := indexOfCreated(all, n, since)
		switch {
		case err != nil:
			return nil, nil, err
		case i < 0:
			missing = append(missing, n)
		default:
			all[i].Changes = nil // as in the lost response
			found = append(found, all[i])
			all = slices.Delete(all, i, i+1)
		}
	}
	return found, missing, nil
}

// indexOfCreated returns the index of a subscription that was created since a time with the wanted values, or -1. Fields
// and auth header must match only in version 0, because a later version may have been changed.
func indexOfCreated(all []Subscription, n NewSubscription, since time.Time) (int, error) {
	for i, s := range all {
		if !strings.EqualFold(s.Event, n.Event) || s.TargetURL != sentTarget(n.TargetURL) ||
			s.Version == 0 && (s.Fields != n.Fields || s.AuthHeaderName != n.AuthHeaderName) {
			continue
		}
		created, ok := s.created()
		if !ok {
			return 0, errNoCreationTime
		}
		if !created.Before(since.Add(-clockTolerance)) {
			return i, nil
		}
	}
	return -1, nil
}

// created returns the creation time from the changes, or false.
func (s Subscription) created() (time.Time, bool) {
	for _, change := range s.Changes {
		if at, err := time.Parse(time.RFC3339, change.Timestamp); err == nil && change.ChangeType == "CREATE" {
			return at, true
		}
	}
	return time.Time{}, false
}

var errUnconfirmed = errors.New("the version changed, and the API returns no secrets to confirm this update")

// verifyUpdate returns the updated subscriptions if the conflict of a retried update was caused by its first attempt.
func (c *Client) verifyUpdate(ctx context.Context, updates []SubscriptionUpdate, conflict error) ([]Subscription, error) {
	updated := make([]Subscription, 0, len(updates))
	for _, u := range updates {
		now, err := c.Subscription(ctx, u.ID)
		if err != nil {
			return nil, err
		}
		if now.Version != u.Version+1 || u.difference(now) != nil {
			return nil, conflict
		}
		if u.AuthHeaderValue != "" || u.HMACSharedSecret != "" {
			return nil, unknownError(errUnconfirmed, conflict)
		}
		updated = append(updated, now)
	}
	return updated, nil
}

// difference returns an error for the first visible value of a subscription that differs from an update, or nil.
func (u SubscriptionUpdate) difference(s Subscription) error {
	fields := s.Fields
	if u.Fields != nil {
		fields = *u.Fields
	}
	return differenceOf(s, Subscription{
		Event: cmp.Or(u.event, s.Event), TargetURL: cmp.Or(u.TargetURL, u.target, s.TargetURL), Fields: fields,
		Status: cmp.Or(u.Status, s.Status), AuthHeaderName: cmp.Or(u.AuthHeaderName, s.AuthHeaderName),
	})
}

// difference returns an error for the first visible value of a subscription that differs from a create, or nil.
func (n NewSubscription) difference(s Subscription) error {
	return differenceOf(s, Subscription{
		Event: n.Event, TargetURL: n.TargetURL, Fields: n.Fields, Status: cmp.Or(n.Status, Active), AuthHeaderName: n.AuthHeaderName,
	})
}

// differenceOf compares the visible values. The error contains no target.
func differenceOf(got, want Subscription) error {
	for _, one := range []struct{ name, got, want string }{
		{"event", strings.ToLower(got.Event), strings.ToLower(want.Event)},
		{"status", string(got.Status), string(want.Status)},
		{"fields", got.Fields, want.Fields},
		{"auth header", got.AuthHeaderName, want.AuthHeaderName},
	} {
		if one.got != one.want {
			return fmt.Errorf("the response has %s %q instead of %q", one.name, one.got, one.want)
		}
	}
	if targeturl.Identity(got.TargetURL) != targeturl.Identity(want.TargetURL) {
		return errors.New("the response has another target than the request")
	}
	return nil
}

// asCreated returns the created subscriptions that are as wanted, in any order, and an [Unknown] error if one is not.
func asCreated(operation string, wanted []NewSubscription, created []Subscription) (same []Subscription, err error) {
	rest, known := slices.Clone(created), make(map[int64]bool, len(created))
	var missing []NewSubscription
	for _, n := range wanted {
		i := slices.IndexFunc(rest, func(s Subscription) bool { return !known[s.ID] && n.difference(s) == nil })
		if i < 0 {
			missing = append(missing, n)
			continue
		}
		known[rest[i].ID] = true
		same, rest = append(same, rest[i]), slices.Delete(rest, i, i+1)
	}
	if len(missing) == 0 {
		return same, nil
	}
	different := missing[0].difference(rest[0])
	if known[rest[0].ID] {
		different = errRepeatedID
	}
	return same, differentError(operation, rest[0].ID, different)
}

// asUpdated returns the updated subscriptions that are as wanted, and an [Unknown] error if one is not.
func asUpdated(operation string, updates []SubscriptionUpdate, updated []Subscription) (same []Subscription, err error) {
	byID := make(map[int64]SubscriptionUpdate, len(updates))
	for _, u := range updates {
		byID[u.ID] = u
	}
	for _, s := range updated {
		u, ok := byID[s.ID]
		delete(byID, s.ID)
		different := errOtherID
		if ok {
			different = u.difference(s)
		}
		if different == nil {
			same = append(same, s)
		} else if err == nil {
			err = differentError(operation, s.ID, different)
		}
	}
	return same, err
}

var (
	errOtherID    = errors.New("the response has another ID than the request")
	errRepeatedID = errors.New("the response has this ID twice")
)

func differentError(operation string, id int64, different error) error {
	return &Error{Kind: Unknown, Operation: operation, Err: fmt.Errorf("subscription %d: %w", id, different)}
}

// verifyDelete returns nil if the 404 of a retried delete was caused by its first attempt.
func (c *Client) verifyDelete(ctx context.Context, ids []int64, notFound error) error {
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
