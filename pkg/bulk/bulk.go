// Package bulk writes subscriptions with few requests, and lists the requests of a dry run.
package bulk

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// The maximum number of subscriptions per request. The limit of the service is unknown. The IDs of a delete are part of
// the URL, which servers limit to 8 kB.
const (
	maxBatch       = 1000
	maxDeleteBatch = 400
)

// inBatches writes items in batches and returns the number of written items. After the end of ctx it finishes the request
// in flight and sends no further batch.
func inBatches[T any](ctx context.Context, items []T, size int, write func(context.Context, []T) error) (int, error) {
	finish, cancel := wait.Finishing(ctx)
	defer cancel()
	done := 0
	for batch := range slices.Chunk(items, size) {
		if err := ctx.Err(); err != nil {
			if done == 0 { // nothing was sent
				return 0, &tripletex.Error{Kind: tripletex.Canceled, Operation: "write subscriptions", Err: err}
			}
			return done, fmt.Errorf("stopped after %d of %d: %w", done, len(items), err)
		}
		if err := write(finish, batch); err != nil {
			return done, err
		}
		done += len(batch)
	}
	return done, nil
}

// Create creates subscriptions and returns the number of processed ones. It calls created after each request with the
// created subscriptions, also after a failed request.
func Create(
	ctx context.Context, client *tripletex.Client, wanted []tripletex.NewSubscription, created func([]tripletex.Subscription),
) (int, error) {
	return inBatches(ctx, wanted, maxBatch, func(ctx context.Context, batch []tripletex.NewSubscription) error {
		subscriptions, err := client.CreateSubscriptions(ctx, batch)
		created(subscriptions)
		return err
	})
}

// Update updates subscriptions, and returns the updated ones and the number of processed updates.
func Update(
	ctx context.Context, client *tripletex.Client, updates []tripletex.SubscriptionUpdate,
) (updated []tripletex.Subscription, done int, err error) {
	done, err = inBatches(ctx, updates, maxBatch, func(ctx context.Context, batch []tripletex.SubscriptionUpdate) error {
		subscriptions, err := client.UpdateSubscriptions(ctx, batch)
		updated = append(updated, subscriptions...)
		return err
	})
	return updated, done, err
}

// Delete deletes subscriptions and returns the number of deleted ones.
func Delete(ctx context.Context, client *tripletex.Client, all []tripletex.Subscription) (int, error) {
	return inBatches(ctx, all, maxDeleteBatch, func(ctx context.Context, batch []tripletex.Subscription) error {
		return client.DeleteSubscriptions(ctx, idsOf(batch))
	})
}

func idsOf(all []tripletex.Subscription) []int64 {
	ids := make([]int64, len(all))
	for i, s := range all {
		ids[i] = s.ID
	}
	return ids
}

// Request is a request of a dry run.
type Request struct {
	Method string `json:"method" table:"METHOD"`
	Path   string `json:"path" table:"PATH"`
	Body   any    `json:"body,omitempty" table:"BODY"`
}

const listPath = "/event/subscription/list"

// CreateRequests returns the requests of [Create] without secrets. Show masks a target for output.
func CreateRequests(wanted []tripletex.NewSubscription, show func(string) string) []Request {
	var all []Request
	for batch := range slices.Chunk(slices.Clone(wanted), maxBatch) {
		for i := range batch {
			batch[i].TargetURL = show(batch[i].TargetURL)
		}
		request := Request{http.MethodPost, listPath, batch}
		if len(batch) == 1 {
			request = Request{http.MethodPost, "/event/subscription", batch[0]}
		}
		all = append(all, request)
	}
	return all
}

// UpdateRequests returns the requests of [Update] without secrets. Show masks a target for output.
func UpdateRequests(updates []tripletex.SubscriptionUpdate, show func(string) string) []Request {
	var all []Request
	for batch := range slices.Chunk(slices.Clone(updates), maxBatch) {
		for i := range batch {
			batch[i].TargetURL = show(batch[i].TargetURL)
		}
		request := Request{http.MethodPut, listPath, batch}
		if len(batch) == 1 {
			request = Request{http.MethodPut, pathOf(batch[0].ID), batch[0]}
		}
		all = append(all, request)
	}
	return all
}

// DeleteRequests returns the requests of [Delete].
func DeleteRequests(found []tripletex.Subscription) []Request {
	var all []Request
	for batch := range slices.Chunk(idsOf(found), maxDeleteBatch) {
		ids := strings.ReplaceAll(strings.Trim(fmt.Sprint(batch), "[]"), " ", ",")
		request := Request{Method: http.MethodDelete, Path: listPath + "?ids=" + ids}
		if len(batch) == 1 {
			request.Path = pathOf(batch[0])
		}
		all = append(all, request)
	}
	return all
}

func pathOf(id int64) string { return "/event/subscription/" + strconv.FormatInt(id, 10) }

// Existing returns the existing subscriptions with the event and target of a wanted one, and the wanted ones without.
func Existing(
	ctx context.Context, client *tripletex.Client, wanted []tripletex.NewSubscription,
) (existing []tripletex.Subscription, rest []tripletex.NewSubscription, err error) {
	byIdentity := map[string]tripletex.Subscription{}
	for s, err := range client.Subscriptions(ctx, "") {
		if err != nil {
			return nil, nil, err
		}
		if key := match.Identity(s.Event, s.TargetURL); byIdentity[key].ID == 0 {
			byIdentity[key] = s
		}
	}
	for _, n := range wanted {
		if s, ok := byIdentity[match.Identity(n.Event, n.TargetURL)]; ok {
			existing = append(existing, s)
		} else {
			rest = append(rest, n)
		}
	}
	return existing, rest, nil
}
