package backfill

import (
	"context"
	"math"
	"slices"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// absent finds delivered objects that are missing from the list. It reads each by its ID, because a list may be
// incomplete.
func (w *walk) absent(ctx context.Context) error {
	if !w.plan.complete() || w.plan.Kind.Deleted == "" {
		return nil
	}
	if err := w.Journal.CatchUp(ctx); err != nil {
		return err
	}
	slices.Sort(w.seen)
	all := len(w.seen)
	w.seen = slices.Compact(w.seen)
	known, err := w.Journal.CountObjects(ctx, w.plan.Kind.Name, w.Company)
	if err != nil || known == w.found && all == len(w.seen) { // an object may move from one page to the next between two requests
		return err
	}
	for page, err := range w.objects(ctx, math.MinInt64, math.MaxInt64) {
		if err != nil {
			return err
		}
		for _, o := range page {
			if o.Gone || !w.ours(o) || w.listed(o) {
				continue
			}
			if err := w.lookFor(ctx, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// ours reports whether an object is known to belong to the company. A journal may have objects of several companies.
func (w *walk) ours(o journal.Object) bool {
	if o.Company != 0 {
		return o.Company == w.Company
	}
	return slices.Contains(w.Subscriptions, o.Subscription)
}

// listed reports whether a list contained an object. An unchanged page, which is not sent again, contains the objects
// in its range of IDs that were recorded when it was read, and no later ones.
func (w *walk) listed(o journal.Object) bool {
	_, found := slices.BinarySearch(w.seen, o.ID)
	return found || o.Company == w.Company &&
		slices.ContainsFunc(w.same, func(page [2]int64) bool { return page[0] <= o.ID && o.ID <= page[1] })
}

// lookFor reads an object that is missing from the list.
func (w *walk) lookFor(ctx context.Context, o journal.Object) error {
	fields := ""
	if w.plan.Update != nil {
		fields = w.plan.Update.Fields
	}
	v, err := w.Client.Object(ctx, w.plan.Kind, o.ID, fields)
	switch {
	case tripletex.KindOf(err) == tripletex.NotFound:
		w.counts.Gone++
		if w.Report || !w.Deletes || w.plan.Delete == nil {
			w.unlisted = true
			return nil
		}
		return w.tell(ctx, w.plan.Delete, tripletex.ObjectValue{Object: tripletex.Object{ID: o.ID}})
	case tripletex.KindOf(err) == tripletex.Refused:
		w.unlisted = true // a sender wrote an ID that Tripletex never assigned; it must not end the run
		return nil
	case err != nil:
		return err
	}
	w.unlisted = true
	w.counts.Seen++
	if w.plan.Update == nil || v.Version <= o.Version {
		w.counts.Known++
		return nil
	}
	w.counts.Newer++
	if w.Report {
		return nil
	}
	return w.tell(ctx, w.plan.Update, v)
}

func (w *walk) tell(ctx context.Context, s *Attribution, v tripletex.ObjectValue) error {
	one, err := w.delivery(s, v)
	if err != nil {
		return err
	}
	return w.store(ctx, []journal.Delivery{one})
}
