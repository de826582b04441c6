package journal_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

// kindOf appends a delivery and returns what became of it.
func kindOf(t *testing.T, j *journal.Journal, d journal.Delivery) string {
	t.Helper()
	stored, err := j.Append(t.Context(), d)
	switch {
	case err != nil:
		t.Fatal(err)
	case stored.Duplicate:
		return "duplicate"
	case stored.Altered:
		return "altered"
	}
	return "new"
}

// with returns a delivery with another body.
func with(d journal.Delivery, body string) journal.Delivery {
	d.Body = []byte(body)
	return d
}

func purge(t *testing.T, j *journal.Journal, f journal.Filter) {
	t.Helper()
	if _, err := j.Purge(t.Context(), f, nil); err != nil {
		t.Fatal(err)
	}
}

// A captured delivery that is sent again after its deletion is no new one.
func TestPurgedDeliveriesAreRecognized(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]func(*testing.T, string, *journal.Journal) *journal.Journal{
		"at once": func(t *testing.T, _ string, j *journal.Journal) *journal.Journal {
			purge(t, j, journal.Filter{})
			return j
		},
		"one by ID": func(t *testing.T, _ string, j *journal.Journal) *journal.Journal {
			purge(t, j, journal.Filter{IDs: []int64{1}})
			return j
		},
		"by another program": func(t *testing.T, folder string, j *journal.Journal) *journal.Journal {
			purge(t, attach(t, folder), journal.Filter{})
			return j
		},
		"after a restart": func(t *testing.T, folder string, j *journal.Journal) *journal.Journal {
			purge(t, j, journal.Filter{})
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			return open(t, folder)
		},
		"after a later purge": func(t *testing.T, _ string, j *journal.Journal) *journal.Journal {
			purge(t, j, journal.Filter{})
			appendAll(t, j, delivery(2), delivery(3))
			purge(t, j, journal.Filter{})
			return j
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			j := open(t, folder)
			appendAll(t, j, delivery(1))
			j = again(t, folder, j)
			if got := kindOf(t, j, delivery(1)); got != "duplicate" {
				t.Errorf("it is %s", got)
			}
			if got := kindOf(t, j, with(delivery(1), "{}")); got != "altered" {
				t.Errorf("with another body it is %s", got)
			}
			if got := kindOf(t, j, with(delivery(1), "{}")); got != "duplicate" {
				t.Errorf("with another body again it is %s", got)
			}
			if got := kindOf(t, j, delivery(4)); got != "new" {
				t.Errorf("another one is %s", got)
			}
		})
	}
}

// Each body under a key is stored once, whichever of them were purged.
func TestVariantsOfAKeySurvivePurges(t *testing.T) {
	t.Parallel()
	for _, purged := range [][]int64{{1}, {2}, {3}, {1, 2}, {2, 3}, {1, 3}, {1, 2, 3}} {
		t.Run(fmt.Sprint(purged), func(t *testing.T) {
			t.Parallel()
			for _, remember := range []int64{-1, 0} {
				j, err := journal.Open(t.TempDir(), journal.Options{RememberKeys: remember})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = j.Close() })
				d := delivery(1)
				appendAll(t, j, with(d, "1"), with(d, "2"), with(d, "3"))
				purge(t, j, journal.Filter{IDs: purged})
				for _, body := range []string{"4", "5"} {
					stored, err := j.Append(t.Context(), with(d, body))
					if err != nil {
						t.Fatal(err)
					}
					e, err := j.Get(t.Context(), stored.ID)
					if err != nil {
						t.Fatalf("body %s was acknowledged: %v", body, err)
					}
					if string(e.Body) != body {
						t.Errorf("stored %q, want %q", e.Body, body)
					}
				}
			}
		})
	}
}

func TestRememberedKeysAreBounded(t *testing.T) {
	t.Parallel()
	for most, want := range map[int64]int{-1: 0, 1: 1, 3: 3, 5: 5, 100: 5, 0: 5} {
		folder := t.TempDir()
		j, err := journal.Open(folder, journal.Options{RememberKeys: most})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = j.Close() })
		appendAll(t, j, delivery(1), delivery(2), delivery(3), delivery(4), delivery(5))
		purge(t, attach(t, folder), journal.Filter{}) // another program knows the bound, too
		known := 0
		for n := 5; n > 0; n-- {
			if kindOf(t, j, delivery(n)) == "duplicate" {
				known++
			} else if n == 5 && most >= 0 {
				t.Errorf("with at most %d the newest is not known", most)
			}
		}
		if known != want {
			t.Errorf("with at most %d there are %d keys, want %d", most, known, want)
		}
	}
}

func TestOutdatedDeliveriesAreMarked(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		values []string // of deliveries of one object, in the order of receipt
		want   []bool
	}{
		"in order":            {[]string{`{"version":1}`, `{"version":2}`}, []bool{false, false}},
		"an older one":        {[]string{`{"version":2}`, `{"version":1}`}, []bool{false, true}},
		"the same again":      {[]string{`{"version":2}`, `{"version":2}`}, []bool{false, false}},
		"older than the best": {[]string{`{"version":1}`, `{"version":5}`, `{"version":3}`}, []bool{false, false, true}},
		"the first version":   {[]string{`{"version":1}`, `{"version":0}`}, []bool{false, true}},
		"unknown":             {[]string{`{"version":2}`, `{}`, `null`}, []bool{false, false, false}},
		"after an unknown":    {[]string{`{}`, `{"version":0}`}, []bool{false, false}},
		"out of range":        {[]string{`{"version":2}`, `{"version":9223372036854775808}`, `{"version":-1}`}, []bool{false, false, false}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := open(t, t.TempDir())
			for n, value := range test.values {
				d := delivery(n)
				d.ObjectID, d.Body = 7, fmt.Appendf(nil, `{"subscriptionId":1,"event":"order.update","id":7,"value":%s}`, value)
				appendAll(t, j, d, delivery(100+n))
				if n == 0 {
					purge(t, j, journal.Filter{Objects: []int64{1}}) // of nothing; it notes the versions so far
				}
			}
			if err := j.CatchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			want, marked := int64(0), 0
			for e, err := range j.List(t.Context(), journal.Filter{Objects: []int64{7}}) {
				if err != nil {
					t.Fatal(err)
				}
				if e.Outdated != test.want[marked] {
					t.Errorf("delivery %d: outdated %v", marked, e.Outdated)
				}
				if marked++; e.Outdated {
					want++
				}
			}
			stats, err := j.Stats(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if stats.Outdated != want {
				t.Errorf("%d are counted, want %d", stats.Outdated, want)
			}
		})
	}
}

// A group of large bodies is purged in several transactions, which bounds the log.
func TestLargeBodiesArePurgedOneByOne(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	syncs := func(size int) int64 {
		for n := range 3 {
			appendAll(t, j, with(delivery(n), strings.Repeat("x", size)))
		}
		before, err := j.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		purge(t, j, journal.Filter{})
		after, err := j.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return after.Syncs - before.Syncs
	}
	if small, large := syncs(10), syncs(5<<20); large != small+2 {
		t.Errorf("three small ones need %d transactions, three large ones %d, want two more", small, large)
	}
}
