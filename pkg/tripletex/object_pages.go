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

	"github.com/tlxhook/tlxhook/pkg/ahead"
)

// ObjectPages yields the objects of a kind in pages of up to 1,000. A list of a dated kind that exceeds the limit of
// 10,000 objects is split by date. After the first page it requests four at the same time. Before each page it waits while
// [RateLimit.Reserved]. An error ends the iteration.
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

// parallelPages is the number of pages of a list that are requested at the same time.
const parallelPages = 4

// objectWalk reads one list page by page.
type objectWalk struct {
	client *Client
	list   call
	kept   func(string) PageMark

	from     int   // index of the first object of the next page
	last     int64 // highest ID of the yielded pages
	back     int   // objects to go back after a deletion
	parallel int
	started  bool // a page was yielded
	stopped  bool
}

// readPage is a page, or the error of its request.
type readPage struct {
	ObjectPage
	err error
}

// run yields the pages. The first is requested alone, since most lists have one page.
func (w *objectWalk) run(ctx context.Context, yield func(ObjectPage, error) bool) error {
	w.last, w.back, w.parallel = -1, 1, 1
	for {
		if ended, err := w.read(ctx, yield); ended || err != nil {
			return err
		}
	}
}

// read yields pages until the list ends or the requests must start at another index, and reports whether the list has
// ended. Each page starts with the last object of the page before. If it does not, an earlier object was deleted and the
// rest has moved up, so the walk goes back. The order of the requests does not matter for this.
func (w *objectWalk) read(ctx context.Context, yield func(ObjectPage, error) bool) (ended bool, err error) {
	for page := range ahead.Map(ctx, w.parallel, starts(w.from), w.request) {
		if page.err != nil {
			return false, page.err
		}
		count, newest := page.Mark.Count, page.Mark.Last
		if w.from > 0 && (count == 0 || page.Mark.First > w.last) {
			w.from, w.back, w.parallel = max(w.from-w.back, 0), w.back*2, 1 // an object was deleted: overlap more
			return false, nil
		}
		full := count >= pageSize
		if full && newest <= w.last {
			return false, &Error{Kind: Foreign, Operation: w.list.operation, Err: errEndless}
		}
		if count > 0 && newest > w.last && !w.yield(page.ObjectPage, yield) || !full {
			return true, nil
		}
		next := w.from + pageSize - 1
		w.from += count - 1
		if w.from != next || w.parallel == 1 {
			w.back, w.parallel = 1, parallelPages
			return false, nil
		}
	}
	return false, ctx.Err()
}

// yield yields a page without the objects of the pages before, and reports whether to continue.
func (w *objectWalk) yield(page ObjectPage, yield func(ObjectPage, error) bool) bool {
	page.Objects = slices.DeleteFunc(page.Objects, func(o Object) bool { return o.ID <= w.last })
	if page.Fresh = len(page.Objects); page.Same {
		page.Fresh = page.Mark.Count - min(w.from, 1)
	}
	w.last, w.started = page.Mark.Last, true
	w.stopped = !yield(page, nil)
	return !w.stopped
}

// starts yields the index of the first object of each page from an index on, with an overlap of one object.
func starts(from int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for yield(from) {
			from += pageSize - 1
		}
	}
}

func (w *objectWalk) request(ctx context.Context, from int) readPage {
	page, err := w.page(ctx, from)
	return readPage{page, err}
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
		list.match = noDigest
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
