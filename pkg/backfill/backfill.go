package backfill

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/sender"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// Run compares what Tripletex has with what deliveries have brought, and stores what lacks.
type Run struct {
	Client  *tripletex.Client
	Journal *journal.Journal
	// Company is the id of the company that the client acts for, its own one included.
	Company int64
	// Subscriptions are the ids of the company's subscriptions: what was delivered for one of them is the company's.
	Subscriptions []int64
	// Secret signs what is stored; without one it is not signed.
	Secret secret.Text
	// Report counts, and stores nothing.
	Report bool
	// Deletes stores deletions, too.
	Deletes bool
	// Seen is told how many more objects were compared. It may be nil.
	Seen func(objects int)
}

// Counts is what a run has found of a kind.
type Counts struct {
	Object string `json:"object" table:"OBJECT"`
	// Seen are the objects that Tripletex has, and Known those of them that deliveries have brought as they are.
	Seen  int `json:"seen" table:"SEEN"`
	Known int `json:"known" table:"KNOWN"`
	// Missing are those that no delivery told of, Newer those of which a version was skipped.
	Missing int `json:"missing" table:"MISSING"`
	Newer   int `json:"newer" table:"NEWER"`
	// Gone are those that deliveries have brought and that Tripletex has no more.
	Gone int `json:"gone" table:"GONE"`
	// Stored are the deliveries that are new in the journal.
	Stored int `json:"stored" table:"STORED"`
}

// InStep tells whether nothing lacks.
func (c Counts) InStep() bool { return c.Missing+c.Newer+c.Gone == 0 }

// Kind works on one kind. What was stored before an error stays; a run after it begins where it was.
func (r *Run) Kind(ctx context.Context, p Plan) (Counts, error) {
	w := walk{Run: r, plan: p, counts: Counts{Object: p.Kind.Name}, inStep: map[string]journal.Page{}}
	p.List.Kept = func(name string) tripletex.PageMark { return w.kept(ctx, name) }
	for page, err := range ahead(ctx, func(ctx context.Context) iter.Seq2[tripletex.ObjectPage, error] {
		return r.Client.ObjectPages(ctx, p.Kind, p.List)
	}) {
		if err == nil {
			err = w.page(ctx, page)
		}
		if err != nil {
			return w.counts, err
		}
	}
	if err := w.absent(ctx); err != nil {
		return w.counts, err
	}
	return w.counts, w.keep(ctx)
}

// walk is a run over one kind.
type walk struct {
	*Run
	plan   Plan
	counts Counts
	seen   []int64    // ids, eight bytes each: all that is held of what was listed
	same   [][2]int64 // first and last id of pages that did not come, as they are what they were
	inStep map[string]journal.Page
	// found is how many of what was brought, and is not gone, was on the lists, at least.
	found int64
	// unlisted tells that the lists left out something that was brought.
	unlisted bool
}

// page compares one page.
func (w *walk) page(ctx context.Context, page tripletex.ObjectPage) error {
	w.counts.Seen += page.Fresh
	if w.Seen != nil {
		w.Seen(page.Fresh)
	}
	if page.Same {
		w.counts.Known += page.Fresh
		w.found += int64(page.Fresh)
		w.same = append(w.same, [2]int64{page.Mark.First, page.Mark.Last})
		return nil
	}
	for _, o := range page.Objects {
		w.seen = append(w.seen, o.ID)
	}
	if err := w.Journal.CatchUp(ctx); err != nil {
		return err
	}
	brought, err := w.brought(ctx, page.Mark.First, page.Mark.Last)
	if err != nil {
		return err
	}
	w.found += matched(page.Objects, brought, w.Company)
	found := slices.DeleteFunc(compare(page.Objects, brought), func(d difference) bool { return w.plan.stand(d.verdict) == nil })
	w.count(found)
	w.counts.Known += len(page.Objects) - len(found)
	if w.Report {
		return nil
	}
	all, err := w.deliver(ctx, page, found)
	if err != nil {
		return err
	}
	if all {
		w.remember(page)
	}
	return w.place(ctx, page.Objects, brought)
}

func (w *walk) count(found []difference) {
	for _, d := range found {
		if d.verdict == missing {
			w.counts.Missing++
		} else {
			w.counts.Newer++
		}
	}
}

// brought returns what deliveries have brought of the objects from one id up to another.
func (w *walk) brought(ctx context.Context, first, last int64) (all []journal.Object, err error) {
	for page, err := range w.objects(ctx, first, last) {
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
	}
	return all, nil
}

// objects yields what deliveries have brought, a piece at a time.
func (w *walk) objects(ctx context.Context, first, last int64) iter.Seq2[[]journal.Object, error] {
	const most = 2000
	return func(yield func([]journal.Object, error) bool) {
		for {
			page, err := w.Journal.Objects(ctx, w.plan.Kind.Name, first, last, most)
			if !yield(page, err) || err != nil || len(page) < most || page[len(page)-1].ID == last {
				return
			}
			first = page[len(page)-1].ID + 1 // below last, so it cannot overflow
		}
	}
}

// deliver stores a delivery for each difference on a page, and tells whether that were all.
func (w *walk) deliver(ctx context.Context, page tripletex.ObjectPage, found []difference) (bool, error) {
	left := len(found)
	for len(found) > 0 {
		fields := w.plan.stand(found[0].verdict).Fields
		values, err := w.Client.ObjectValues(ctx, page, fields)
		if err != nil {
			return false, err
		}
		byID := make(map[int64]tripletex.ObjectValue, len(values))
		for _, v := range values {
			byID[v.ID] = v
		}
		var batch []journal.Delivery
		var rest []difference
		for _, d := range found {
			s := w.plan.stand(d.verdict)
			v, there := byID[d.ID]
			switch {
			case s.Fields != fields:
				rest = append(rest, d)
			case there:
				one, err := w.delivery(s, v)
				if err != nil {
					return false, err
				}
				batch = append(batch, one)
			}
		}
		if err := w.store(ctx, batch); err != nil {
			return false, err
		}
		left -= len(batch)
		for _, d := range found {
			if _, there := byID[d.ID]; there && d.verdict == missing {
				w.found++
			}
		}
		found = rest
	}
	return left == 0, nil
}

// delivery returns what Tripletex would have delivered. Its key says what it tells, so that it is stored once.
func (w *walk) delivery(s *Stand, v tripletex.ObjectValue) (journal.Delivery, error) {
	told := strconv.FormatInt(v.Version, 10)
	if v.Value == nil {
		told = "gone"
	}
	body, err := webhook.Envelope{SubscriptionID: s.SubscriptionID, Event: s.Event, ID: v.ID, Value: v.Value}.JSON()
	if err != nil {
		return journal.Delivery{}, fmt.Errorf("make a delivery of %s %d: %w", w.plan.Kind.Name, v.ID, err)
	}
	d := journal.Delivery{
		Key: fmt.Sprintf("backfill-%d-%s-%d-%s", w.Company, w.plan.Kind.Name, v.ID, told), Received: time.Now(),
		Event: s.Event, SubscriptionID: s.SubscriptionID, ObjectID: v.ID, ContentType: sender.ContentType, Body: body,
	}
	if w.Secret != "" {
		d.Signature = webhook.Sign(w.Secret.Reveal(), d.Key, body)
	}
	return d, nil
}

// store puts deliveries into the journal, in one piece.
func (w *walk) store(ctx context.Context, batch []journal.Delivery) error {
	if len(batch) == 0 {
		return nil
	}
	fresh, err := w.Journal.AppendBackfill(ctx, batch)
	w.counts.Stored += fresh
	if err != nil {
		return err
	}
	return w.Journal.CatchUp(ctx)
}

// place notes that the objects of a page are the company's.
func (w *walk) place(ctx context.Context, listed []tripletex.Object, brought []journal.Object) error {
	var ids []int64
	for _, o := range listed {
		i, found := slices.BinarySearchFunc(brought, o.ID, func(b journal.Object, id int64) int { return cmp.Compare(b.ID, id) })
		if !found || brought[i].Company != w.Company {
			ids = append(ids, o.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return w.Journal.Place(ctx, w.plan.Kind.Name, w.Company, ids)
}

// remember notes a page that is in step as a whole.
func (w *walk) remember(page tripletex.ObjectPage) {
	if m := page.Mark; m.Digest != "" && !strings.Contains(m.Digest, " ") { // a text is no digest
		w.inStep[page.Name] = journal.Page{Digest: m.Digest, Count: m.Count, First: m.First, Last: m.Last}
	}
}

// keep keeps the pages that were in step, so that the next run need not read them. Where the lists left something out,
// that must be looked for again.
func (w *walk) keep(ctx context.Context) error {
	if w.Report || w.unlisted || !w.plan.full() || !w.plan.complete() || len(w.inStep) == 0 {
		return nil
	}
	return w.Journal.KeepPages(ctx, w.inStep)
}

// kept returns what was kept of a page; nothing where that cannot be read, as the page comes then.
func (w *walk) kept(ctx context.Context, name string) tripletex.PageMark {
	p, err := w.Journal.KeptPage(ctx, name)
	if err != nil {
		return tripletex.PageMark{}
	}
	return tripletex.PageMark{Digest: p.Digest, Count: p.Count, First: p.First, Last: p.Last}
}
