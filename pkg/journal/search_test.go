package journal_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

// searched returns the IDs of all pages of a search.
func searched(t *testing.T, j *journal.Journal, s journal.Search) []int64 {
	t.Helper()
	ids := []int64{}
	for {
		found, next, err := j.Search(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range found {
			ids = append(ids, e.ID)
		}
		if next == 0 {
			return ids
		}
		if s.Below != 0 && next >= s.Below {
			t.Fatalf("the search below %d continues below %d", s.Below, next)
		}
		s.Below = next
	}
}

func TestSearchPicksTheNewestFirst(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	object := func(n int, event string, id int64, text string) journal.Delivery {
		d := about(n, event, id, fmt.Sprintf(`{"text":%q}`, text))
		d.Received = time.Date(2026, 11, 23, 12, n, 0, 0, time.UTC)
		return d
	}
	appendAll(t, j, object(1, "order.create", 7, "Grill"), object(2, "invoice.create", 7, "100%"), object(3, "Order.update", 7, "grilling"),
		object(4, "order.update", 8, "a_b"), object(5, "order.delete", 7, "aXb"), object(6, "note", 7, `a\b`))
	if err := j.Mark(t.Context(), 4, journal.Attempt{State: journal.Dead, At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		search journal.Search
		want   []int64
	}{
		"all":               {journal.Search{}, []int64{6, 5, 4, 3, 2, 1}},
		"below":             {journal.Search{Below: 4}, []int64{3, 2, 1}},
		"event":             {journal.Search{Filter: journal.Filter{Events: []string{"order.*"}}}, []int64{5, 4, 3, 1}},
		"state":             {journal.Search{Filter: journal.Filter{States: []journal.State{journal.Dead}}}, []int64{4}},
		"object ID":         {journal.Search{Filter: journal.Filter{Objects: []int64{7}}}, []int64{6, 5, 3, 2, 1}},
		"object":            {journal.Search{About: &journal.ObjectKey{Kind: "order", ID: 7}}, []int64{5, 3, 1}},
		"without a kind":    {journal.Search{About: &journal.ObjectKey{ID: 7}}, []int64{6}},
		"text in any case":  {journal.Search{Text: "gRILL"}, []int64{3, 1}},
		"percent":           {journal.Search{Text: "0%"}, []int64{2}},
		"underscore":        {journal.Search{Text: "a_b"}, []int64{4}},
		"backslash":         {journal.Search{Text: `a\\b`}, []int64{6}},
		"quote":             {journal.Search{Text: `'`}, []int64{}},
		"text and event":    {journal.Search{Text: "grill", Filter: journal.Filter{Events: []string{"*.update"}}}, []int64{3}},
		"text in no body":   {journal.Search{Text: "pizza"}, []int64{}},
		"before any":        {journal.Search{Below: 1}, []int64{}},
		"glob in the event": {journal.Search{Filter: journal.Filter{Events: []string{"[n]ote"}}}, []int64{}},
	} {
		for _, limit := range []int{1, 2, 100} {
			test.search.Limit = limit
			if diff := cmp.Diff(test.want, searched(t, j, test.search)); diff != "" {
				t.Errorf("%s, %d at once (-want +got):\n%s", name, limit, diff)
			}
		}
	}
}

func TestSearchReturnsTheSizeAndTheDuration(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	sent := delivery(3)
	id := appendAll(t, j, sent)[0]
	for _, took := range []time.Duration{time.Second, 20 * time.Millisecond} {
		if err := j.Mark(t.Context(), id, journal.Attempt{State: journal.Forwarded, At: time.Now(), Duration: took}); err != nil {
			t.Fatal(err)
		}
	}
	found, _, err := j.Search(t.Context(), journal.Search{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(len(sent.Body)); found[0].Size != want {
		t.Errorf("Size = %d, want %d", found[0].Size, want)
	}
	if found[0].Took != 20*time.Millisecond {
		t.Errorf("Took = %v, want 20ms", found[0].Took)
	}
}

// A purge of a million deliveries leaves no gap that a search walks through.
func TestSearchSkipsPurgedDeliveries(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	j := open(t, folder)
	appendAll(t, j, delivery(1), delivery(2), delivery(3))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"delivery", "content"} {
		sqlite3(t, filepath.Join(folder, "journal.db"), "UPDATE "+table+" SET id = id + 900000000000 WHERE id > 1")
	}
	j = attach(t, folder)
	if got, want := searched(t, j, journal.Search{Limit: 10}), []int64{900000000003, 900000000002, 1}; !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
}

// No page follows the one with the oldest delivery.
func TestSearchEndsAtTheOldest(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	appendAll(t, j, delivery(1), delivery(2), delivery(3))
	if _, err := j.Purge(t.Context(), journal.Filter{IDs: []int64{1}}, nil); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		search journal.Search
		next   int64
	}{
		{journal.Search{Limit: 1}, 3},
		{journal.Search{Limit: 1, Below: 3}, 0},
		{journal.Search{Limit: 2}, 0},
		{journal.Search{Limit: 2, Text: "in no body"}, 0},
	} {
		if _, next, err := j.Search(t.Context(), test.search); err != nil || next != test.next {
			t.Errorf("%+v continues below %d, want %d (%v)", test.search, next, test.next, err)
		}
	}
}

func TestChangedDiffersAfterEveryChange(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	receiving := open(t, folder)
	for name, reading := range map[string]*journal.Journal{"the same handle": receiving, "another handle": attach(t, folder)} {
		seen := map[int64]string{}
		step := func(what string) {
			t.Helper()
			n, err := reading.Changed(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if before, known := seen[n]; known {
				t.Errorf("%s: the number after %s is that after %s", name, what, before)
			}
			seen[n] = what
			again, err := reading.Changed(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if again != n {
				t.Errorf("%s: it changed from %d to %d without a change", name, n, again)
			}
		}
		step("the start")
		d := delivery(1)
		d.Key = name
		id := appendAll(t, receiving, d)[0]
		step("an append")
		mark(t, receiving, id, 1, journal.Attempt{State: journal.Forwarded})
		step("a mark")
		purgeAll(t, receiving, 1)
		step("a purge")
	}
}

func TestLatestOfASubscription(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	other := delivery(2)
	other.SubscriptionID = 4712
	appendAll(t, j, delivery(1), other, delivery(3))
	got, err := j.LatestOf(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := map[int64]time.Time{4711: delivery(3).Received, 4712: other.Received}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
