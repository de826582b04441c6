package journal_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

// Patterns up to the limits are found; beyond them Check fails, not the database.
func TestEventPatternsHaveLimits(t *testing.T) {
	t.Parallel()
	j, many, long := open(t, t.TempDir()), slices.Repeat([]string{"order.*"}, 500), strings.Repeat("[", 10_000)
	for name, test := range map[string]struct {
		events []string
		fails  bool
	}{
		"most patterns":     {many, false},
		"too many patterns": {append(many, "order.*"), true},
		"longest pattern":   {[]string{long}, false},
		"too long pattern":  {[]string{"order.*", long + "["}, true},
	} {
		filter := journal.Filter{Events: test.events}
		if err := filter.Check(); (err != nil) != test.fails {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := j.Count(t.Context(), filter); err != nil && !test.fails {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	for n, event := range []string{"order.create", "order.update", "customer.create", "Order.Delete", "a[b].c"} {
		d := delivery(n)
		d.Event = event
		appendAll(t, j, d)
	}
	for id, state := range map[int64]journal.State{2: journal.Forwarded, 3: journal.Dead} {
		if err := j.Mark(t.Context(), id, journal.Attempt{At: time.Now(), State: state}); err != nil {
			t.Fatal(err)
		}
	}
	at := func(n int) time.Time { return delivery(n).Received }
	for _, test := range []struct {
		filter journal.Filter
		want   []int64
	}{
		{journal.Filter{}, []int64{1, 2, 3, 4, 5}},
		{journal.Filter{IDs: []int64{5, 2, 99}}, []int64{2, 5}},
		{journal.Filter{Events: []string{"ORDER.*"}}, []int64{1, 2, 4}},
		{journal.Filter{Events: []string{"*.create", "a[b].?"}}, []int64{1, 3, 5}},
		{journal.Filter{Events: []string{"'; DROP TABLE delivery; --"}}, []int64{}},
		{journal.Filter{Objects: []int64{1001, 1003}}, []int64{2, 4}},
		{journal.Filter{States: []journal.State{journal.Pending}}, []int64{1, 4, 5}},
		{journal.Filter{States: []journal.State{journal.Forwarded, journal.Dead}}, []int64{2, 3}},
		{journal.Filter{Since: at(1), Before: at(3)}, []int64{2, 3}},
		{journal.Filter{Since: at(1), Events: []string{"order.*"}, States: []journal.State{journal.Pending}}, []int64{4}},
	} {
		if got := list(t, j, test.filter); !slices.Equal(got, test.want) {
			t.Errorf("%+v: %v, want %v", test.filter, got, test.want)
		}
		switch n, err := j.Count(t.Context(), test.filter); {
		case err != nil:
			t.Errorf("%+v: %v", test.filter, err)
		case int(n) != len(test.want):
			t.Errorf("%+v: int(n) = %v, want %v", test.filter, int(n), len(test.want))
		}
	}
	for event, want := range map[string]time.Time{"order.*": at(3), "ORDER.CREATE": at(0), "*": at(4), "no.such": {}} {
		last, err := j.LastReceived(t.Context(), event)
		if err != nil {
			t.Error(err)
		}
		if !last.Equal(want) {
			t.Errorf("last of %s: %v, want %v", event, last, want)
		}
	}
	newest, all, err := j.Newest(t.Context(), journal.Filter{}, 2)
	switch {
	case err != nil:
		t.Errorf("newest: %v", err)
	case all != 5:
		t.Errorf("newest: all = %v, want 5", all)
	case len(newest) != 2:
		t.Errorf("newest: len(newest) = %v, want 2", len(newest))
	case newest[0].ID != 4:
		t.Errorf("newest: newest[0].ID = %v, want 4", newest[0].ID)
	case newest[1].ID != 5:
		t.Errorf("newest: newest[1].ID = %v, want 5", newest[1].ID)
	}
	waiting, err := j.Waiting(t.Context(), 1, 10)
	switch {
	case err != nil:
		t.Errorf("waiting: %v", err)
	case len(waiting) != 2:
		t.Errorf("waiting: len(waiting) = %v, want 2", len(waiting))
	case waiting[0].ID != 4:
		t.Errorf("waiting: waiting[0].ID = %v, want 4", waiting[0].ID)
	case waiting[0].Body != nil:
		t.Errorf("waiting: waiting[0].Body = %v, want nil", waiting[0].Body)
	}
}

func TestALongListIsReadInPages(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	const count = 1234
	var group sync.WaitGroup
	for s := range 4 {
		group.Go(func() {
			for n := s; n < count; n += 4 {
				if _, err := j.Append(context.Background(), delivery(n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	switch ids := list(t, j, journal.Filter{}); {
	case len(ids) != count:
		t.Errorf("len(ids) = %v, want %v", len(ids), count)
	case !slices.IsSorted(ids):
		t.Errorf("%d entries", len(ids))
	case len(slices.Compact(ids)) != count:
		t.Errorf("len(slices.Compact(ids)) = %v, want %v", len(slices.Compact(ids)), count)
	}
}

func TestPurgeDeletesWhatWasChosenAndGivesTheRoomBack(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	j := open(t, folder)
	for n := range 500 {
		d := delivery(n)
		d.Body = bytes.Repeat([]byte("canary"), 2000)
		if _, err := j.Append(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	purged, err := j.Purge(t.Context(), journal.Filter{Before: delivery(480).Received}, func(e journal.Entry) bool { return e.ID == 1 })
	if err != nil {
		t.Fatal(err)
	}
	if purged != 479 {
		t.Fatalf("purged = %v, want 479", purged)
	}
	switch ids := list(t, j, journal.Filter{}); {
	case len(ids) != 21:
		t.Errorf("left: len(ids) = %v, want 21", len(ids))
	case ids[0] != 1:
		t.Errorf("left: ids[0] = %v, want 1", ids[0])
	case ids[1] != 481:
		t.Errorf("left: ids[1] = %v, want 481", ids[1])
	}
	if err := j.Shrink(t.Context()); err != nil {
		t.Fatal(err)
	}
	if id := appendAll(t, j, delivery(1000))[0]; id != 501 {
		t.Errorf("the next id is %d", id)
	}
	switch purged, err = j.Purge(t.Context(), journal.Filter{}, nil); {
	case err != nil:
		t.Fatal(err)
	case purged != 22:
		t.Fatalf("purged = %v, want 22", purged)
	}
	// An id is never given twice, even if the newest is gone.
	if id := appendAll(t, j, delivery(1001))[0]; id != 502 {
		t.Errorf("the next id is %d", id)
	}
	if err := j.Shrink(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(folder, "journal.db"))
	switch {
	case err != nil:
		t.Error(err)
	case len(raw) > 104<<10:
		t.Errorf("len(raw) = %v, want at most %v", len(raw), 104<<10)
	case bytes.Contains(raw, []byte("canary")):
		t.Errorf("%d bytes, %v", len(raw), err)
	}
}

func TestHistogramsCountLikePrometheus(t *testing.T) {
	t.Parallel()
	h := journal.NewHistogram(1, 2)
	for _, value := range []float64{0.5, 1, 1.5, 2, 2.5, 100} {
		h.Observe(value)
	}
	if !slices.Equal(h.Counts, []uint64{2, 2, 2}) {
		t.Errorf("h.Counts = %v, want %v", h.Counts, []uint64{2, 2, 2})
	}
	if h.Sum != 107.5 {
		t.Errorf("h.Sum = %v, want 107.5", h.Sum)
	}
}
