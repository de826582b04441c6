package journal_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

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
		if n, err := j.Count(t.Context(), test.filter); err != nil || int(n) != len(test.want) {
			t.Errorf("%+v: counted %d, %v", test.filter, n, err)
		}
	}
	newest, all, err := j.Newest(t.Context(), journal.Filter{}, 2)
	if err != nil || all != 5 || len(newest) != 2 || newest[0].ID != 4 || newest[1].ID != 5 {
		t.Errorf("newest: %v of %d, %v", newest, all, err)
	}
	waiting, err := j.Waiting(t.Context(), 1, 10)
	if err != nil || len(waiting) != 2 || waiting[0].ID != 4 || waiting[0].Body != nil {
		t.Errorf("waiting: %v, %v", waiting, err)
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
	if ids := list(t, j, journal.Filter{}); len(ids) != count || !slices.IsSorted(ids) || len(slices.Compact(ids)) != count {
		t.Errorf("%d entries", len(ids))
	}
}

func TestPurgeDeletesWhatWasChosenAndGivesTheRoomBack(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	j := open(t, folder)
	for n := range 500 {
		d := delivery(n)
		d.Body = bytes.Repeat([]byte("canary"), 500)
		if _, err := j.Append(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	purged, err := j.Purge(t.Context(), journal.Filter{Before: delivery(480).Received}, func(e journal.Entry) bool { return e.ID == 1 })
	if err != nil || purged != 479 {
		t.Fatalf("%d, %v", purged, err)
	}
	if ids := list(t, j, journal.Filter{}); len(ids) != 21 || ids[0] != 1 || ids[1] != 481 {
		t.Errorf("left: %v", ids)
	}
	if err := j.Shrink(t.Context()); err != nil {
		t.Fatal(err)
	}
	if id := appendAll(t, j, delivery(1000))[0]; id != 501 {
		t.Errorf("the next id is %d", id)
	}
	if purged, err = j.Purge(t.Context(), journal.Filter{}, nil); err != nil || purged != 22 {
		t.Fatalf("%d, %v", purged, err)
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
	if err != nil || len(raw) > 100<<10 || bytes.Contains(raw, []byte("canary")) {
		t.Errorf("%d bytes, %v", len(raw), err)
	}
}

func TestHistogramsCountLikePrometheus(t *testing.T) {
	t.Parallel()
	h := journal.NewHistogram(1, 2)
	for _, value := range []float64{0.5, 1, 1.5, 2, 2.5, 100} {
		h.Observe(value)
	}
	if !slices.Equal(h.Counts, []uint64{2, 2, 2}) || h.Sum != 107.5 {
		t.Errorf("%+v", h)
	}
}
