package tripletex

import "context"

// Snapshot is the list of subscriptions at one time, with digests to detect changes at low cost.
type Snapshot struct {
	// Subscriptions are all subscriptions, in the order of the service, each ID once.
	Subscriptions []Subscription
	pages         []snapshotPage
}

type snapshotPage struct {
	digest string
	values []Subscription
}

// Snapshot lists the subscriptions and reports whether the list may have changed since an earlier snapshot of the same
// client, which may be nil. If the service supports digests, an unchanged page is a 304 response without a body.
//
// GET /event/subscription with If-None-Match. Source: changelog 2.59.0; whether this list has digests is unknown.
func (c *Client) Snapshot(ctx context.Context, before *Snapshot) (*Snapshot, bool, error) {
	now, changed, seen := &Snapshot{}, before == nil, map[int64]bool{}
	for n := range maxPages {
		var old snapshotPage
		if before != nil && n < len(before.pages) {
			old = before.pages[n]
		}
		list := subscriptionList("")
		list.match = old.digest
		if list.match == "" {
			list.match = noDigest
		}
		got, same, err := onePage[Subscription](ctx, c, list, n*pageSize)
		if err != nil {
			return nil, false, err
		}
		current := snapshotPage{got.VersionDigest, got.Values}
		if same {
			current = old
		} else {
			changed = true
		}
		fresh := now.add(current, seen)
		if len(current.values) < pageSize {
			return now, changed, nil
		}
		if !fresh {
			break
		}
	}
	return nil, false, &Error{Kind: Foreign, Operation: "list subscriptions", Err: errEndless}
}

// add appends the subscriptions of a page that are not in seen, and reports whether there are any.
func (s *Snapshot) add(page snapshotPage, seen map[int64]bool) (fresh bool) {
	s.pages = append(s.pages, page)
	for _, one := range page.values {
		if !seen[one.ID] {
			seen[one.ID] = true
			s.Subscriptions = append(s.Subscriptions, one)
			fresh = true
		}
	}
	return fresh
}
