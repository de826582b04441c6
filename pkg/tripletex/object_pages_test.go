package tripletex_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Pages of long lists are requested at the same time, a list of one page is one request.
func TestLongListIsReadAhead(t *testing.T) {
	t.Parallel()
	for n, most := range map[int64]int{0: 1, 999: 1, 100_000: 105} {
		synctest.Test(t, func(t *testing.T) {
			api := &lists{answer: func(q url.Values) (int, []int64) { return page(q, upTo(n)) }}
			start := time.Now()
			got, err := listed(t.Context(), t, &delayed{next: api, by: 100 * time.Millisecond}, "product", tripletex.ObjectList{})
			if err != nil {
				t.Fatalf("%d of %d objects: %v", len(got), n, err)
			}
			if !same(got, upTo(n)) {
				t.Fatalf("%d objects differ from the %d of the API", len(got), n)
			}
			if len(api.requests) > most {
				t.Errorf("%d objects: %d requests, want at most %d", n, len(api.requests), most)
			}
			if took, alone := time.Since(start), time.Duration(n/999+1)*100*time.Millisecond; n > 1000 && took > alone/2 {
				t.Errorf("%d objects: %s, want at most half of %s", n, took, alone)
			}
		})
	}
}

// Objects leave the list and return to it while it is read. Those that stay are listed once, regardless of the order of
// the responses.
func TestChangesDuringAListSkipNoObject(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1000, 6000).Draw(t, "objects")
		from := rapid.MapOf(rapid.IntRange(1, 10), rapid.Int64Range(1, n)).Draw(t, "first of 200 objects that leave, by request")
		requests, away, left := 0, map[int64]bool{}, map[int64]bool{}
		api := &lists{answer: func(q url.Values) (int, []int64) {
			requests++
			clear(away) // those that left before are back
			for id := from[requests]; id > 0 && id < from[requests]+200; id++ {
				away[id], left[id] = true, true
			}
			return page(q, slices.DeleteFunc(upTo(n), func(id int64) bool { return away[id] }))
		}}
		got, err := listed(context.Background(), t, api, "product", tripletex.ObjectList{})
		if err != nil {
			t.Fatal(err)
		}
		seen := map[int64]int{}
		for _, id := range got {
			seen[id]++
		}
		for id := range n {
			if times := seen[id+1]; times != 1 && !left[id+1] || times > 1 {
				t.Fatalf("object %d was listed %d times", id+1, times)
			}
		}
	})
}

// An object that is deleted while a list is read moves the rest up. No object is skipped.
func TestDeletionDuringAListSkipsNoObject(t *testing.T) {
	t.Parallel()
	for _, gone := range []int{1, 2, 700, 1500} {
		all, requests := upTo(3000), 0
		api := &lists{answer: func(q url.Values) (int, []int64) {
			if requests++; requests == 2 {
				all = all[gone:] // the first ones, which were read
			}
			return page(q, all)
		}}
		got, err := listed(t.Context(), t, api, "product", tripletex.ObjectList{})
		seen := map[int64]int{}
		for _, id := range got {
			seen[id]++
		}
		for _, id := range all {
			if seen[id] != 1 {
				t.Fatalf("%d gone: %d was listed %d times, %v", gone, id, seen[id], err)
			}
		}
		if len(api.requests) > 20 {
			t.Errorf("%d gone: %d requests for 3 pages, want at most 20", gone, len(api.requests))
		}
	}
}

func TestInconsistentListIsRejected(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(url.Values) (int, []int64){
		"unsorted": func(url.Values) (int, []int64) { return http.StatusOK, []int64{2, 1} },
		"endless":  func(url.Values) (int, []int64) { return http.StatusOK, upTo(1000) },
	} {
		_, err := listed(t.Context(), t, &lists{answer: answer}, "product", tripletex.ObjectList{})
		if tripletex.KindOf(err) != tripletex.Foreign {
			t.Errorf("%s: %v", name, err)
		}
	}
}
