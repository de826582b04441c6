package backfill_test

import (
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/backfill"
	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// shelf is an API with products, some of which its list hides. Its list has checksums.
type shelf struct {
	versions map[int64]int
	hidden   map[int64]bool
	lists    int // lists answered in full
	shown    int // single products answered
}

func (s *shelf) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := http.StatusOK, ""
	if id, err := strconv.ParseInt(path.Base(r.URL.Path), 10, 64); err == nil {
		s.shown++
		if id <= 0 || id > math.MaxInt32 {
			status, body = http.StatusUnprocessableEntity, `{"status":422,"code":16000}`
		} else if version, there := s.versions[id]; there {
			body = fmt.Sprintf(`{"value":{"id":%d,"version":%d}}`, id, version)
		} else {
			status, body = http.StatusNotFound, `{"status":404,"code":6000}`
		}
	} else {
		var values []string
		for _, id := range slices.Sorted(maps.Keys(s.versions)) {
			if !s.hidden[id] {
				values = append(values, fmt.Sprintf(`{"id":%d,"version":%d}`, id, s.versions[id]))
			}
		}
		digest := fmt.Sprintf("%x", strings.Join(values, ""))
		if r.Header.Get("If-None-Match") == digest {
			status = http.StatusNotModified
		} else {
			s.lists++
			body = `{"versionDigest":"` + digest + `","values":[` + strings.Join(values, ",") + `]}`
		}
	}
	header := http.Header{"Content-Type": {"application/json"}}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// nightly returns a journal and a function that backfills products of company 1 from a shelf into it.
func nightly(t *testing.T, s *shelf) (*journal.Journal, func(change func(*backfill.Run)) backfill.Counts) {
	t.Helper()
	j, err := journal.Open(t.TempDir(), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	client, err := tripletex.New(tripletex.Options{
		BaseURL: "http://localhost/v2", Transport: s, Credentials: tripletex.Credentials{SessionToken: "x"}.Get,
	})
	if err != nil {
		t.Fatal(err)
	}
	product, _ := tripletex.FindObjectKind("product")
	return j, func(change func(*backfill.Run)) backfill.Counts {
		run := backfill.Run{Client: client, Journal: j, Company: 1, Subscriptions: []int64{4711}}
		if change != nil {
			change(&run)
		}
		counts, err := run.Kind(t.Context(), backfill.NewPlan(product, nil, false))
		if err != nil {
			t.Fatal(err)
		}
		counts.Object = ""
		return counts
	}
}

func deletes(r *backfill.Run) { r.Deletes = true }
func report(r *backfill.Run)  { r.Report = true }

// webhook stores a delivery of Tripletex.
func webhook(t *testing.T, j *journal.Journal, subscription, id int64, version int) {
	t.Helper()
	_, err := j.Append(t.Context(), journal.Delivery{
		Key: fmt.Sprintf("%d-%d-%d", subscription, id, version), Received: time.Now(), Event: "product.create", SubscriptionID: subscription,
		ObjectID: id, Body: fmt.Appendf(nil, `{"value":{"version":%d}}`, version),
	})
	if err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, when string, got, want backfill.Counts) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %+v, want %+v", when, got, want)
	}
}

// A deleted object is found in every run until its deletion is stored. An object that only the list lacks is not deleted.
func TestOnlyAbsentObjectsAreGone(t *testing.T) {
	t.Parallel()
	s := &shelf{versions: map[int64]int{1: 0, 2: 0, 3: 0, 4: 0}, hidden: map[int64]bool{}}
	_, run := nightly(t, s)
	expect(t, "the first night", run(nil), backfill.Counts{Seen: 4, Missing: 4, Stored: 4})
	delete(s.versions, 2)
	s.hidden[3], s.versions[3] = true, 1
	expect(t, "a report", run(report), backfill.Counts{Seen: 3, Known: 2, Newer: 1, Gone: 1})
	expect(t, "without deletes", run(nil), backfill.Counts{Seen: 3, Known: 2, Newer: 1, Gone: 1, Stored: 1})
	s.versions[3] = 2
	expect(t, "without deletes again", run(nil), backfill.Counts{Seen: 3, Known: 2, Newer: 1, Gone: 1, Stored: 1})
	expect(t, "with deletes", run(deletes), backfill.Counts{Seen: 3, Known: 3, Gone: 1, Stored: 1})
	expect(t, "after that", run(deletes), backfill.Counts{Seen: 3, Known: 3})
}

func TestDeletionsAreReportedUntilForwarded(t *testing.T) {
	t.Parallel()
	s := &shelf{versions: map[int64]int{1: 0, 2: 0, 3: 0}}
	_, run := nightly(t, s)
	expect(t, "the first night", run(nil), backfill.Counts{Seen: 3, Missing: 3, Stored: 3})
	delete(s.versions, 2)
	for range 3 {
		expect(t, "without deletes", run(nil), backfill.Counts{Seen: 2, Known: 2, Gone: 1})
	}
	expect(t, "with deletes", run(deletes), backfill.Counts{Seen: 2, Known: 2, Gone: 1, Stored: 1})
}

// An unchanged list is answered with 304 and causes no other request. An object that is deleted already when its delivery
// arrives is found nevertheless: with an ID before, between and after those of the page.
func TestLateObjectIsFoundOnAnUnchangedPage(t *testing.T) {
	t.Parallel()
	s := &shelf{versions: map[int64]int{10: 0, 20: 0}}
	j, run := nightly(t, s)
	expect(t, "the first night", run(deletes), backfill.Counts{Seen: 2, Missing: 2, Stored: 2})
	s.lists = 0
	expect(t, "the second", run(deletes), backfill.Counts{Seen: 2, Known: 2})
	if s.lists+s.shown > 0 {
		t.Errorf("%d lists and %d products were requested, want none", s.lists, s.shown)
	}
	for _, id := range []int64{5, 15, 25} {
		webhook(t, j, 4711, id, 0)
	}
	expect(t, "the third", run(deletes), backfill.Counts{Seen: 2, Known: 2, Gone: 3, Stored: 3})
	if s.lists > 0 {
		t.Errorf("s.lists = %v, want 0", s.lists)
	}
	if s.shown != 3 {
		t.Errorf("s.shown = %v, want 3", s.shown)
	}
}

// A journal may hold the objects of several companies. Those of others are not gone.
func TestObjectsOfAnotherCompanyAreNotGone(t *testing.T) {
	t.Parallel()
	s := &shelf{versions: map[int64]int{1: 0}}
	j, run := nightly(t, s)
	webhook(t, j, 9999, 7, 0) // for a subscription of another company
	if err := j.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	webhook(t, j, 4711, 8, 0) // shown by a list of another company
	if err := j.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := j.Place(t.Context(), "product", 2, []int64{8}); err != nil {
		t.Fatal(err)
	}
	expect(t, "one night", run(deletes), backfill.Counts{Seen: 1, Missing: 1, Stored: 1})
	if s.shown > 0 {
		t.Errorf("%d were asked for", s.shown)
	}
}

func TestAReportStoresNothing(t *testing.T) {
	t.Parallel()
	j, run := nightly(t, &shelf{versions: map[int64]int{1: 0, 2: 3}})
	webhook(t, j, 4711, 2, 1)
	for range 2 {
		expect(t, "a report", run(report), backfill.Counts{Seen: 2, Missing: 1, Newer: 1})
	}
	switch n, err := j.Count(t.Context(), journal.Filter{}); {
	case err != nil:
		t.Error(err)
	case n != 1:
		t.Errorf("n = %v, want 1", n)
	}
}

func TestObjectsThatASenderInventedDoNotEndARun(t *testing.T) {
	t.Parallel()
	for name, ids := range map[string][]int64{
		"negative":       {-1, -2},
		"zero":           {0},
		"above 32 bits":  {math.MaxInt32 + 1},
		"both extremes":  {math.MinInt64, math.MaxInt64},
		"next to a real": {math.MaxInt64 - 1, 2, math.MinInt64 + 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &shelf{versions: map[int64]int{1: 0, 2: 0}}
			j, run := nightly(t, s)
			for _, id := range ids {
				webhook(t, j, 4711, id, 0)
			}
			run(deletes)
			delete(s.versions, 1)
			if got := run(deletes); got.Gone != 1 {
				t.Errorf("found %+v, want 1 gone", got)
			}
		})
	}
}

func TestPageThatEndsAtTheLargestIDIsTheLast(t *testing.T) {
	t.Parallel()
	s := &shelf{versions: map[int64]int{1: 0}}
	j, run := nightly(t, s)
	batch := make([]journal.Delivery, 1999) // with product 1 a whole page
	for i := range batch {
		batch[i] = journal.Delivery{
			Key: strconv.Itoa(i), Received: time.Now(), Event: "product.create", SubscriptionID: 1, ObjectID: math.MaxInt64 - int64(i),
			Body: []byte("{}"),
		}
	}
	if _, err := j.AppendBackfill(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	expect(t, "one night", run(deletes), backfill.Counts{Seen: 1, Missing: 1, Stored: 1})
}
