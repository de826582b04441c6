package tripletex

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/url"
	"slices"
	"time"
)

// ObjectPages yields the objects of a kind in pages of up to 1,000. A list of a dated kind that exceeds the limit of
// 10,000 objects is split by date. Before each page it waits while [RateLimit.Reserved]. An error ends the iteration.
//
// GET on the path of the kind, such as /order, with fields=id,version, sorting=id and If-None-Match.
func (c *Client) ObjectPages(ctx context.Context, kind ObjectKind, o ObjectList) iter.Seq2[ObjectPage, error] {
	return func(yield func(ObjectPage, error) bool) {
		for _, only := range kind.choices() {
			if kind.inactive {
				o.Kept = nil
			}
			if !c.listObjects(ctx, kind, o, only, yield) {
				return
			}
		}
	}
}

// choices returns the query of each list that the kind needs: one, or one for active and one for inactive objects.
func (k ObjectKind) choices() []url.Values {
	if !k.inactive {
		return []url.Values{{}}
	}
	return []url.Values{{"isInactive": {"false"}}, {"isInactive": {"true"}}}
}

// listObjects yields one list, and reports whether to continue with the next.
func (c *Client) listObjects(ctx context.Context, kind ObjectKind, o ObjectList, only url.Values, yield func(ObjectPage, error) bool) bool {
	list := call{operation: "list " + kind.Name + " objects", path: kind.path, query: url.Values{"sorting": {"id"}}}
	maps.Copy(list.query, only)
	if kind.ChangedSince && !o.ChangedSince.IsZero() {
		list.query.Set("changedSince", o.ChangedSince.UTC().Format("2006-01-02T15:04:05Z"))
	}
	if kind.Dated {
		list.query.Set(kind.from, o.From.Format(time.DateOnly))
		list.query.Set(kind.to, o.To.Format(time.DateOnly))
	}
	walk := objectWalk{client: c, list: list, kept: o.Kept}
	err := walk.run(ctx, yield)
	var refused *Error
	days := int(o.To.Sub(o.From).Hours() / 24)
	if kind.Dated && !walk.started && days > 1 && errors.As(err, &refused) && refused.Code == codeTooMany {
		o.Kept = nil
		first, second := o, o
		first.To = o.From.AddDate(0, 0, days/2)
		second.From = first.To
		return c.listObjects(ctx, kind, first, only, yield) && c.listObjects(ctx, kind, second, only, yield)
	}
	if err != nil {
		yield(ObjectPage{}, err)
		return false
	}
	return !walk.stopped
}

// objectWalk reads one list page by page.
type objectWalk struct {
	client  *Client
	list    call
	kept    func(string) PageMark
	started bool // a page was yielded
	stopped bool
}

// run yields the pages. Each page starts with the last object of the page before. If it does not, an earlier object was
// deleted and the rest has moved up, so the walk goes back.
func (w *objectWalk) run(ctx context.Context, yield func(ObjectPage, error) bool) error {
	last, from, back := int64(-1), 0, 1
	for {
		page, err := w.page(ctx, from)
		if err != nil {
			return err
		}
		if from > 0 && (page.Mark.Count == 0 || page.Mark.First > last) {
			from, back = max(from-back, 0), back*2 // an object was deleted: overlap more
			continue
		}
		back = 1
		full, newest := page.Mark.Count >= pageSize, page.Mark.Last
		page.Objects = slices.DeleteFunc(page.Objects, func(o Object) bool { return o.ID <= last })
		if page.Fresh = len(page.Objects); page.Same {
			page.Fresh = page.Mark.Count - min(from, 1)
		}
		if full && newest <= last {
			return &Error{Kind: Foreign, Operation: w.list.operation, Err: errEndless}
		}
		if page.Mark.Count > 0 && newest > last {
			w.started = true
			if !yield(page, nil) {
				w.stopped = true
				return nil
			}
			last = newest
		}
		if !full {
			return nil
		}
		from += page.Mark.Count - 1
	}
}

// page requests one page.
func (w *objectWalk) page(ctx context.Context, from int) (ObjectPage, error) {
	p := ObjectPage{list: w.list, from: from}
	p.Name = fmt.Sprintf("%s/%d %s?%s %d", w.client.base, w.client.company, w.list.path, w.list.query.Encode(), from)
	var kept PageMark
	if w.kept != nil {
		kept = w.kept(p.Name)
	}
	if err := w.client.waitForReserve(ctx, w.list.operation); err != nil {
		return p, err
	}
	list := w.list
	list.match = kept.Digest
	if list.match == "" {
		list.match = "none" // any value makes the service compute a digest
	}
	list.query = withFields(list.query, onlyVersions)
	got, same, err := onePage[Object](ctx, w.client, list, from)
	if err != nil {
		return p, err
	}
	if same {
		p.Same, p.Mark = true, kept
		return p, nil
	}
	p.Objects, p.Mark = got.Values, PageMark{Digest: got.VersionDigest, Count: len(got.Values)}
	if !slices.IsSortedFunc(p.Objects, func(a, b Object) int { return int(min(max(a.ID-b.ID, -1), 1)) }) {
		return p, &Error{Kind: Foreign, Operation: w.list.operation, Err: errUnsorted}
	}
	if n := len(p.Objects); n > 0 {
		p.Mark.First, p.Mark.Last = p.Objects[0].ID, p.Objects[n-1].ID
	}
	return p, nil
}
