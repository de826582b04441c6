package tripletex

import "context"

// Snapshot is the list of subscriptions as it was at one moment, with what is needed to ask cheaply whether it
// has changed.
type Snapshot struct {
	// Subscriptions are all of them, in the order of the service, each id once.
	Subscriptions []Subscription
	pages         []snapshotPage
}

type snapshotPage struct {
	digest string
	values []Subscription
}

// Snapshot lists the subscriptions. Given an earlier snapshot of the same client, it asks only for what has
// changed since: a page that is the same costs a 304 without a body, where the service gives digests. It tells
// whether anything came anew; before may be nil.
//
// GET /event/subscription with If-None-Match. Source: changelog 2.59.0; whether this list has digests today is
// not known.
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
			list.match = "none" // any text makes the service compute a digest
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
		if fresh == 0 {
			break
		}
	}
	return nil, false, &Error{Kind: Foreign, Operation: "list subscriptions", Err: errEndless}
}

// add takes a page in, leaves out what was on an earlier one, and returns how many subscriptions were new.
func (s *Snapshot) add(page snapshotPage, seen map[int64]bool) (fresh int) {
	s.pages = append(s.pages, page)
	for _, one := range page.values {
		if !seen[one.ID] {
			seen[one.ID] = true
			s.Subscriptions = append(s.Subscriptions, one)
			fresh++
		}
	}
	return fresh
}
