package calibrate

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// pageSize is the number of objects per request of a list.
const pageSize = 1000

// pages returns all objects of a list; query is the rest of its query, or empty.
func pages[T any](ctx context.Context, l *lab, as caller, what, path, query string) (all []T, err error) {
	for {
		got, err := l.callAs(ctx, as, http.MethodGet, fmt.Sprintf("%s?from=%d&count=%d%s", path, len(all), pageSize, query), nil)
		if err == nil {
			err = got.refusal("list " + what)
		}
		if err != nil {
			return nil, err
		}
		var body struct{ Values []T }
		got.decode(&body)
		if all = append(all, body.Values...); len(body.Values) < pageSize {
			return all, nil
		}
	}
}

type listedSubscription struct {
	ID        int64
	Event     string
	TargetURL string
}

// listed returns the subscriptions that are visible to a caller.
func (l *lab) listed(ctx context.Context, as caller) ([]listedSubscription, error) {
	return pages[listedSubscription](ctx, l, as, "subscriptions", "/event/subscription", "")
}

// removeMarked deletes the subscriptions of this and of earlier runs.
func (l *lab) removeMarked(ctx context.Context) error {
	all, err := l.listed(ctx, l.own)
	if err != nil {
		return err
	}
	var ids []int64
	for _, s := range all {
		if strings.Contains(s.TargetURL, mark) {
			ids = append(ids, s.ID)
		}
	}
	return l.remove(ctx, "subscription", "/event/subscription/", ids)
}

// removeCustomers deletes the customers of this and of earlier runs. A login without access to customers made none, unless
// the run was to create some.
func (l *lab) removeCustomers(ctx context.Context) error {
	type customer struct {
		ID   int64
		Name string
	}
	all, err := pages[customer](ctx, l, l.own, "customers", "/customer", "&customerName="+url.QueryEscape(customerName))
	switch {
	case isRefusal(err) && l.o.Deliveries == nil:
		return nil
	case err != nil:
		return err
	}
	var ids []int64
	for _, c := range all {
		if c.Name == customerName {
			ids = append(ids, c.ID)
		}
	}
	return l.remove(ctx, "customer", "/customer/", ids)
}

// remove deletes objects. Its error has the ID of each one that may remain.
func (l *lab) remove(ctx context.Context, what, path string, ids []int64) (failed error) {
	var left []string
	for _, id := range ids {
		got, err := l.call(ctx, http.MethodDelete, path+strconv.FormatInt(id, 10), nil)
		if err == nil && got.status != http.StatusNotFound {
			err = got.refusal("delete " + what)
		}
		if err != nil {
			failed, left = err, append(left, strconv.FormatInt(id, 10))
		}
	}
	if failed == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", what, strings.Join(left, ", "), failed)
}
