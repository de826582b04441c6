package match

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// MissingError lists the selected IDs that do not exist.
type MissingError struct{ IDs []int64 }

func (e *MissingError) Error() string {
	texts := make([]string, len(e.IDs))
	for i, id := range e.IDs {
		texts[i] = strconv.FormatInt(id, 10)
	}
	return "subscription not found: " + strings.Join(texts, ", ")
}

// Select lists the subscriptions that match a filter, in the order of the service, and returns the IDs of the filter that
// do not exist. Fields is the fields filter of the list; a single subscription selected by ID alone is read with all
// fields.
func Select(ctx context.Context, client *tripletex.Client, filter Filter, fields string) (selected []tripletex.Subscription,
	absent []int64, err error,
) {
	if ids := filter.IDs; len(ids) == 1 && len(filter.Events)+len(filter.Targets)+len(filter.Statuses) == 0 {
		one, err := client.Subscription(ctx, ids[0])
		if tripletex.KindOf(err) == tripletex.NotFound {
			return nil, ids, nil
		}
		return []tripletex.Subscription{one}, nil, err
	}
	var all []tripletex.Subscription
	for one, err := range client.Subscriptions(ctx, fields) {
		if err != nil {
			return nil, nil, err
		}
		if len(all) == 32 { // most companies have fewer
			all = slices.Grow(all, 1000)
		}
		all = append(all, one)
	}
	selected, absent = filter.Select(all)
	return selected, absent, nil
}

// Select returns the matching subscriptions, and the IDs of the filter that do not exist.
func (f Filter) Select(all []tripletex.Subscription) (selected []tripletex.Subscription, absent []int64) {
	if f.Empty() {
		return all, nil
	}
	absent = slices.Clone(f.IDs)
	for _, one := range all {
		absent = slices.DeleteFunc(absent, func(id int64) bool { return id == one.ID })
		if f.Match(one) {
			selected = append(selected, one)
		}
	}
	return selected, absent
}
