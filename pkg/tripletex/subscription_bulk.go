package tripletex

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// CreateSubscriptions creates subscriptions in one request. It never repeats a create blindly: without a clear response
// it lists the subscriptions, adopts those that were created, and creates the missing ones once more. If the outcome is
// still uncertain, or a response differs from the request, the error is [Unknown]. Subscriptions known to be created are
// returned also with an error.
//
// POST /event/subscription, or POST /event/subscription/list for more than one.
func (c *Client) CreateSubscriptions(ctx context.Context, wanted []NewSubscription) ([]Subscription, error) {
	since := time.Now()
	created, err := c.postSubscriptions(ctx, wanted)
	if err == nil || !mayHaveTakenEffect(err) {
		return created, err
	}
	return c.verifyCreate(ctx, wanted, since, err)
}

func (c *Client) postSubscriptions(ctx context.Context, wanted []NewSubscription) ([]Subscription, error) {
	if len(wanted) == 0 {
		return nil, nil
	}
	post := call{operation: "create subscription", method: http.MethodPost, path: "/event/subscription"}
	if len(wanted) == 1 {
		post.body = wanted[0].wire()
		created, err := value[Subscription](ctx, c, post)
		if err != nil {
			return nil, err
		}
		return asCreated(post.operation, wanted, []Subscription{created})
	}
	bodies := make([]wireSubscription, len(wanted))
	for i, n := range wanted {
		bodies[i] = n.wire()
	}
	post.operation = "create " + strconv.Itoa(len(wanted)) + " subscriptions"
	post.path, post.body = "/event/subscription/list", bodies
	created, err := c.many(ctx, post, len(wanted))
	if err != nil {
		return created, err
	}
	return asCreated(post.operation, wanted, created)
}

// UpdateSubscriptions updates subscriptions in one request. If a version is outdated, it changes nothing and returns
// a [Conflict] error. If the response differs from the request, it returns the subscriptions that do not differ and an
// [Unknown] error.
//
// PUT /event/subscription/{id}, or PUT /event/subscription/list for more than one.
func (c *Client) UpdateSubscriptions(ctx context.Context, updates []SubscriptionUpdate) ([]Subscription, error) {
	if len(updates) == 0 {
		return nil, nil
	}
	put := call{method: http.MethodPut, path: "/event/subscription/list"}
	put.operation = "update " + strconv.Itoa(len(updates)) + " subscriptions"
	bodies := make([]wireSubscription, len(updates))
	for i, u := range updates {
		bodies[i] = u.wire()
	}
	put.body = bodies
	if len(updates) == 1 {
		put.operation = "update subscription " + strconv.FormatInt(updates[0].ID, 10)
		put.path, put.body = subscriptionPath(updates[0].ID), bodies[0]
	}
	got, err := c.do(ctx, put)
	if KindOf(err) == Conflict && got.repeated {
		return c.verifyUpdate(ctx, updates, err)
	}
	if err != nil {
		return nil, err
	}
	if len(updates) > 1 {
		all, err := listed(got, put.operation, len(updates))
		if err != nil {
			return all, err
		}
		return asUpdated(put.operation, updates, all)
	}
	var single struct {
		Value *Subscription `json:"value"`
	}
	if err := got.decode(put.operation, &single); err != nil {
		return nil, err
	}
	if single.Value == nil {
		return nil, &Error{Kind: Foreign, Operation: put.operation, Err: errNoValue}
	}
	if isIncomplete(*single.Value) {
		return nil, &Error{Kind: Foreign, Operation: put.operation, Err: errIncomplete}
	}
	return asUpdated(put.operation, updates, []Subscription{*single.Value})
}

// DeleteSubscriptions deletes subscriptions in one request. If one does not exist, it returns a [NotFound] error.
//
// DELETE /event/subscription/{id}, or DELETE /event/subscription/list for more than one.
func (c *Client) DeleteSubscriptions(ctx context.Context, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	remove := call{method: http.MethodDelete, path: subscriptionPath(ids[0])}
	remove.operation = "delete subscription " + strconv.FormatInt(ids[0], 10)
	if len(ids) > 1 {
		texts := make([]string, len(ids))
		for i, id := range ids {
			texts[i] = strconv.FormatInt(id, 10)
		}
		remove.operation = "delete " + strconv.Itoa(len(ids)) + " subscriptions"
		remove.path, remove.query = "/event/subscription/list", url.Values{"ids": {strings.Join(texts, ",")}}
	}
	got, err := c.do(ctx, remove)
	if KindOf(err) == NotFound && got.repeated {
		return c.verifyDelete(ctx, ids, err)
	}
	if err != nil {
		return err
	}
	return got.checkDone(remove.operation)
}

func (c *Client) many(ctx context.Context, call call, want int) ([]Subscription, error) {
	got, err := c.do(ctx, call)
	if err != nil {
		return nil, err
	}
	return listed(got, call.operation, want)
}

func listed(got answer, operation string, want int) ([]Subscription, error) {
	var list page[Subscription]
	if err := got.decode(operation, &list); err != nil {
		return nil, err
	}
	if len(list.Values) != want {
		return list.Values, &Error{Kind: Foreign, Operation: operation, Err: errNoValue}
	}
	if slices.ContainsFunc(list.Values, isIncomplete) {
		return nil, &Error{Kind: Foreign, Operation: operation, Err: errIncomplete}
	}
	return list.Values, nil
}
