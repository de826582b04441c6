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

	"github.com/tlxhook/tlxhook/pkg/ahead"
	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/sender"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// Run compares the objects of a company with its deliveries and stores the missing deliveries.
type Run struct {
	Client  *tripletex.Client
	Journal *journal.Journal
	// Company is the ID of the company of the client, including the client's own company.
	Company int64
	// Subscriptions are the IDs of the company's subscriptions. An object delivered for one of them belongs to the
	// company.
	Subscriptions []int64
	// Secret signs the stored deliveries; empty for no signature.
	Secret secret.Text
	// Report counts the differences and stores nothing.
	Report bool
	// Deletes stores deletions too.
	Deletes bool
	// Seen is called with the number of objects compared since the last call. It may be nil.
	Seen func(objects int)
}

// Counts are the results for one kind of objects.
type Counts struct {
	Object string `json:"object" table:"OBJECT"`
	// Seen counts the objects in Tripletex, Known those whose current version was delivered.
	Seen  int `json:"seen" table:"SEEN"`
	Known int `json:"known" table:"KNOWN"`
	// Missing counts objects without any delivery, Newer objects whose latest version was not delivered.
	Missing int `json:"missing" table:"MISSING"`
	Newer   int `json:"newer" table:"NEWER"`
	// Gone counts delivered objects that no longer exist in Tripletex.
	Gone int `json:"gone" table:"GONE"`
	// Stored counts the deliveries added to the journal.
	Stored int `json:"stored" table:"STORED"`
}

// InStep reports whether the deliveries are complete.
func (c Counts) InStep() bool { return c.Missing+c.Newer+c.Gone == 0 }

// Kind backfills one kind of objects. After an error, stored deliveries remain and the next run continues.
func (r *Run) Kind(ctx context.Context, p Plan) (Counts, error) {
	w := walk{Run: r, plan: p, counts: Counts{Object: p.Kind.Name}, inStep: map[string]journal.Page{}}
	w.plan.List.Kept = func(name string) tripletex.PageMark { return w.kept(ctx, name) }
	if err := w.all(ctx); err != nil {
		return w.counts, err
	}
	if err := w.absent(ctx); err != nil {
		return w.counts, err
	}
	return w.counts, w.keep(ctx)
}

// walk is a run over one kind of objects.
type walk struct {
	*Run
	plan   Plan
	counts Counts
	seen   []int64    // IDs of listed objects, 8 bytes each; nothing else of a list is held in memory
	same   [][2]int64 // first and last ID of the unchanged pages, which were not sent
	inStep map[string]journal.Page
	// found is the minimum number of delivered, not deleted objects that the lists contained.
	found int64
	// unlisted reports whether the lists lacked a delivered object.
	unlisted bool
}

// parallelPages is the number of pages that are compared, and whose values are requested, at the same time.
const parallelPages = 4

// all compares and stores all pages.
func (w *walk) all(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for c := range ahead.Map(ctx, parallelPages, w.pages(ctx), w.compare) {
		if err := w.record(ctx, c); err != nil {
			cancel() // ends the requests that the loop waits for
			return err
		}
	}
	return ctx.Err()
}

// pages yields the pages of the list. An error is in the last.
func (w *walk) pages(ctx context.Context) iter.Seq[comparison] {
	return func(yield func(comparison) bool) {
		for page, err := range w.Client.ObjectPages(ctx, w.plan.Kind, w.plan.List) {
			if !yield(comparison{page: page, err: err}) {
				return
			}
		}
	}
}

// comparison is a page and the objects on it that deliveries missed.
type comparison struct {
	page      tripletex.ObjectPage
	delivered []journal.Object
	found     []difference
	batch     []journal.Delivery // deliveries to store for the differences
	added     int64              // deliveries of batch for missing objects
	err       error
}

// compare compares a page with the journal and requests the values of the differences. It changes nothing.
func (w *walk) compare(ctx context.Context, c comparison) comparison {
	if c.err != nil || c.page.Same {
		return c
	}
	if c.err = w.Journal.CatchUp(ctx); c.err != nil {
		return c
	}
	if c.delivered, c.err = w.delivered(ctx, c.page.Mark.First, c.page.Mark.Last); c.err != nil {
		return c
	}
	c.found = slices.DeleteFunc(compare(c.page.Objects, c.delivered), func(d difference) bool { return w.plan.attribution(d.kind) == nil })
	if !w.Report {
		c.err = w.values(ctx, &c)
	}
	return c
}

// record counts the differences of a page and stores their deliveries.
func (w *walk) record(ctx context.Context, c comparison) error {
	if c.err != nil {
		return c.err
	}
	w.counts.Seen += c.page.Fresh
	if w.Seen != nil {
		w.Seen(c.page.Fresh)
	}
	if c.page.Same {
		w.counts.Known += c.page.Fresh
		w.found += int64(c.page.Fresh)
		w.same = append(w.same, [2]int64{c.page.Mark.First, c.page.Mark.Last})
		return nil
	}
	for _, o := range c.page.Objects {
		w.seen = append(w.seen, o.ID)
	}
	w.found += matched(c.page.Objects, c.delivered, w.Company)
	w.count(c.found)
	w.counts.Known += len(c.page.Objects) - len(c.found)
	if w.Report {
		return nil
	}
	if err := w.store(ctx, c.batch); err != nil {
		return err
	}
	w.found += c.added
	if len(c.batch) == len(c.found) {
		w.remember(c.page)
	}
	return w.place(ctx, c.page.Objects, c.delivered)
}

func (w *walk) count(found []difference) {
	for _, d := range found {
		if d.kind == missing {
			w.counts.Missing++
		} else {
			w.counts.Newer++
		}
	}
}

// delivered returns the delivered objects with IDs from first up to but without last.
func (w *walk) delivered(ctx context.Context, first, last int64) (all []journal.Object, err error) {
	for page, err := range w.objects(ctx, first, last) {
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
	}
	return all, nil
}

// objects yields the delivered objects in groups.
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

// values requests the values of the differences, once per filter of fields, and adds their deliveries. An object that
// has been deleted since has none.
func (w *walk) values(ctx context.Context, c *comparison) error {
	for found := c.found; len(found) > 0; {
		fields := w.plan.attribution(found[0].kind).Fields
		values, err := w.Client.ObjectValues(ctx, c.page, fields)
		if err != nil {
			return err
		}
		byID := make(map[int64]tripletex.ObjectValue, len(values))
		for _, v := range values {
			byID[v.ID] = v
		}
		var rest []difference
		for _, d := range found {
			if s := w.plan.attribution(d.kind); s.Fields != fields {
				rest = append(rest, d)
			} else if err := w.deliver(c, d, s, byID); err != nil {
				return err
			}
		}
		found = rest
	}
	return nil
}

// deliver adds the delivery of a difference, if the object still exists.
func (w *walk) deliver(c *comparison, d difference, s *Attribution, byID map[int64]tripletex.ObjectValue) error {
	v, there := byID[d.ID]
	if !there {
		return nil
	}
	one, err := w.delivery(s, v)
	if err != nil {
		return err
	}
	c.batch = append(c.batch, one)
	if d.kind == missing {
		c.added++
	}
	return nil
}

// delivery returns the delivery that Tripletex would have sent. Its key is derived from its content, so a second run
// stores nothing twice.
func (w *walk) delivery(s *Attribution, v tripletex.ObjectValue) (journal.Delivery, error) {
	told := strconv.FormatInt(v.Version, 10)
	if v.Value == nil {
		told = "gone"
	}
	body, err := webhook.Envelope{SubscriptionID: s.SubscriptionID, Event: s.Event, ID: v.ID, Value: v.Value}.JSON()
	if err != nil {
		return journal.Delivery{}, fmt.Errorf("create the delivery of %s %d: %w", w.plan.Kind.Name, v.ID, err)
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

// store appends deliveries to the journal in one transaction.
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

// place records that the objects of a page belong to the company.
func (w *walk) place(ctx context.Context, listed []tripletex.Object, delivered []journal.Object) error {
	var ids []int64
	for _, o := range listed {
		i, found := slices.BinarySearchFunc(delivered, o.ID, func(b journal.Object, id int64) int { return cmp.Compare(b.ID, id) })
		if !found || delivered[i].Company != w.Company {
			ids = append(ids, o.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return w.Journal.Place(ctx, w.plan.Kind.Name, w.Company, ids)
}

// remember records a page without differences.
func (w *walk) remember(page tripletex.ObjectPage) {
	if m := page.Mark; m.Digest != "" && !strings.Contains(m.Digest, " ") { // a digest contains no space
		w.inStep[page.Name] = journal.Page{Digest: m.Digest, Count: m.Count, First: m.First, Last: m.Last}
	}
}

// keep stores the pages without differences, so that the next run can skip them. It stores none if the lists lacked an
// object, which the next run must look for again.
func (w *walk) keep(ctx context.Context) error {
	if w.Report || w.unlisted || !w.plan.full() || !w.plan.complete() || len(w.inStep) == 0 {
		return nil
	}
	return w.Journal.KeepPages(ctx, w.inStep)
}

// kept returns the stored digest of a page; empty if it cannot be read, so that the page is requested.
func (w *walk) kept(ctx context.Context, name string) tripletex.PageMark {
	p, err := w.Journal.KeptPage(ctx, name)
	if err != nil {
		return tripletex.PageMark{}
	}
	return tripletex.PageMark{Digest: p.Digest, Count: p.Count, First: p.First, Last: p.Last}
}
