package calibrate

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// listed returns the subscriptions that are visible to a caller.
func (l *lab) listed(ctx context.Context, as caller) (all []listedSubscription, err error) {
	const page = 1000
	for {
		got, err := l.callAs(ctx, as, http.MethodGet, fmt.Sprintf("/event/subscription?from=%d&count=%d", len(all), page), nil)
		if err == nil {
			err = got.refusal("list subscriptions")
		}
		if err != nil {
			return nil, err
		}
		var body struct{ Values []listedSubscription }
		got.decode(&body)
		if all = append(all, body.Values...); len(body.Values) < page {
			return all, nil
		}
	}
}

type listedSubscription struct {
	ID        int64
	Event     string
	TargetURL string
}

// removeMarked deletes the subscriptions of this and of earlier runs.
func (l *lab) removeMarked(ctx context.Context) error {
	all, err := l.listed(ctx, l.own)
	if err != nil {
		return err
	}
	for _, s := range all {
		if !strings.Contains(s.TargetURL, mark) {
			continue
		}
		got, err := l.call(ctx, http.MethodDelete, "/event/subscription/"+strconv.FormatInt(s.ID, 10), nil)
		if err == nil && got.status != http.StatusNotFound {
			err = got.refusal("delete subscription")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// removeCustomers deletes the customers of this and of earlier runs.
func (l *lab) removeCustomers(ctx context.Context) error {
	if l.o.Deliveries == nil {
		return nil
	}
	got, err := l.call(ctx, http.MethodGet, "/customer?count=1000&customerName="+url.QueryEscape(customerName), nil)
	if err == nil {
		err = got.refusal("list customers")
	}
	if err != nil {
		return err
	}
	var body struct {
		Values []struct {
			ID   int64
			Name string
		}
	}
	got.decode(&body)
	for _, c := range body.Values {
		if c.Name != customerName {
			continue
		}
		if got, err = l.call(ctx, http.MethodDelete, "/customer/"+strconv.FormatInt(c.ID, 10), nil); err == nil {
			err = got.refusal("delete customer")
		}
		if err != nil {
			return err
		}
	}
	return nil
}
