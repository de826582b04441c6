package ahead_test

import (
	"context"
	"iter"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlxhook/tlxhook/pkg/ahead"
)

// count yields 0 to n-1.
func count(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

func TestResultsKeepTheOrderOfTheItems(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 4, 100} {
		synctest.Test(t, func(t *testing.T) {
			backwards := func(_ context.Context, i int) int {
				time.Sleep(time.Duration(10-i) * time.Second)
				return i
			}
			if got := slices.Collect(ahead.Map(t.Context(), n, count(10), backwards)); !slices.Equal(got, slices.Collect(count(10))) {
				t.Errorf("n %d: %v", n, got)
			}
		})
	}
}

func TestNoMoreThanNItemsAreInWork(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 4} {
		synctest.Test(t, func(t *testing.T) {
			var now, most atomic.Int64
			work := func(context.Context, int) struct{} {
				most.Store(max(most.Load(), now.Add(1)))
				defer now.Add(-1)
				time.Sleep(time.Second)
				return struct{}{}
			}
			start := time.Now()
			for range ahead.Map(t.Context(), n, count(12), work) {
				continue
			}
			if most.Load() != int64(n) {
				t.Errorf("%d items in work, want %d", most.Load(), n)
			}
			if got, want := time.Since(start), 12/time.Duration(n)*time.Second; got != want {
				t.Errorf("n %d: %s, want %s", n, got, want)
			}
		})
	}
}

func TestCallerThatStopsCancelsTheWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var canceled atomic.Int64
		work := func(ctx context.Context, i int) int {
			if i > 0 {
				<-ctx.Done()
				canceled.Add(1)
			}
			return i
		}
		for range ahead.Map(t.Context(), 4, count(1000), work) {
			synctest.Wait()
			break
		}
		if canceled.Load() != 3 {
			t.Errorf("%d of 3 items were canceled", canceled.Load())
		}
	})
}

func TestEndOfTheContextEndsTheSequence(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	got := 0
	for range ahead.Map(ctx, 2, count(1000), func(_ context.Context, i int) int { return i }) {
		got++
		cancel()
	}
	if got < 1 || got > 3 {
		t.Errorf("%d results, want those in work", got)
	}
}
