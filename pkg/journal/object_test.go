package journal_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

// about returns the nth delivery, about an object, with a value.
func about(n int, event string, object int64, value string) journal.Delivery {
	d := delivery(n)
	d.Event, d.ObjectID = event, object
	d.Body = fmt.Appendf(nil, `{"subscriptionId":4711,"event":%q,"id":%d,"value":%s}`, event, object, value)
	return d
}

// known returns what the journal knows of orders.
func known(t *testing.T, j *journal.Journal) []journal.Object {
	t.Helper()
	if err := j.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, err := j.Objects(t.Context(), "order", 0, 1<<40, 100)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// The highest version counts in whatever order it came, a deletion for good, and nonsense for nothing.
func TestJournalKnowsDeliveredVersions(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	j := open(t, folder)
	appendAll(t, j,
		about(1, "order.create", 1, `{"version":2}`), about(2, "order.update", 1, `{"version":1}`),
		about(3, "Order.Update", 2, `{"version":7}`), about(4, "order.delete", 2, `null`), about(5, "order.update", 2, `{"version":8}`),
		about(6, "order.update", 3, `{"id":3}`), about(7, "order.update", 4, `{"version":"9"}`), about(8, "order.update", 5, `{"version":1e99}`),
		about(9, "order.update", 6, `[{"version":9}]`),
		about(10, "customer.create", 1, `{"version":0}`), about(11, "nonsense", 1, `{"version":9}`),
	)
	broken := about(12, "order.update", 7, "")
	broken.Body = []byte(`{"value":{"version":5}`)
	appendAll(t, j, broken)
	want := []journal.Object{
		{ID: 1, Version: 2, Subscription: 4711},
		{ID: 2, Version: 8, Gone: true, Subscription: 4711},
		{ID: 3, Version: -1, Subscription: 4711},
		{ID: 4, Version: -1, Subscription: 4711},
		{ID: 5, Version: -1, Subscription: 4711},
		{ID: 6, Version: -1, Subscription: 4711},
		{ID: 7, Version: -1, Subscription: 4711},
	}
	if got := known(t, j); !cmp.Equal(got, want) {
		t.Error(cmp.Diff(want, got))
	}
	// Beside a program that receives, too, and after a purge of everything, even of what came meanwhile.
	beside := attach(t, folder)
	appendAll(t, j, about(13, "order.update", 1, `{"version":3}`))
	if _, err := beside.Purge(t.Context(), journal.Filter{}, nil); err != nil {
		t.Fatal(err)
	}
	want[0].Version = 3
	if got := known(t, j); !cmp.Equal(got, want) {
		t.Error(cmp.Diff(want, got))
	}
	if err := beside.Place(t.Context(), "order", 2001, []int64{1, 99}); err != nil {
		t.Fatal(err)
	}
	n, err := j.CountObjects(t.Context(), "order", 2001)
	other, errOther := j.CountObjects(t.Context(), "order", 2002)
	switch { // one object is gone, and one is in company 2001 only
	case err != nil:
		t.Error(err)
	case errOther != nil:
		t.Error(errOther)
	case n != 6:
		t.Errorf("%d objects of company 2001, want 6", n)
	case other != 5:
		t.Errorf("%d objects of company 2002, want 5", other)
	}
	if got := known(t, j)[0]; got.Company != 2001 {
		t.Errorf("%+v", got)
	}
}

// An unreadable delivery counts as one of its object, and tells no version. One with an unreadable ID is of no object.
func TestUnreadableDeliveryTellsNoVersion(t *testing.T) {
	t.Parallel()
	unknown := []journal.Object{{ID: 7, Version: -1, Subscription: 4711}}
	for name, test := range map[string]struct {
		body   string
		object int64
		want   []journal.Object
	}{
		"two versions":    {`{"id":7,"value":{"version":3,"version":4}}`, 7, unknown},
		"two values":      {`{"id":7,"value":{"version":3},"value":{"version":4}}`, 7, unknown},
		"text behind":     {`{"id":7,"value":{"version":3}}{}`, 7, unknown},
		"ID out of range": {`{"id":9223372036854775808,"value":{"version":3}}`, 0, nil},
		"two IDs":         {`{"id":7,"id":8,"value":{"version":3}}`, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := open(t, t.TempDir())
			d := about(1, "order.update", test.object, "null")
			d.Body, d.Unreadable = []byte(test.body), true
			appendAll(t, j, d)
			if diff := cmp.Diff(test.want, known(t, j), cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
			purgeAll(t, j, 1)
		})
	}
}

// More than one group of deliveries is read to the end.
func TestEveryDeliveryIsCaughtUpWith(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	all := make([]journal.Delivery, 2500)
	for i := range all {
		all[i] = about(i, "order.update", int64(i%50), fmt.Sprintf(`{"version":%d}`, i))
	}
	switch n, err := j.AppendBackfill(t.Context(), all); {
	case err != nil:
		t.Fatal(err)
	case n != len(all):
		t.Fatalf("n = %v, want %v", n, len(all))
	}
	for i, o := range known(t, j) {
		if o.Version != int64(2450+i) {
			t.Errorf("%+v", o)
		}
	}
}

// A backfilled delivery is marked, and its key is stored once, whatever the body.
func TestABackfilledDeliveryIsStoredOnce(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	first, second := about(1, "order.create", 1, `{"version":0}`), about(2, "order.create", 2, `{"version":0}`)
	switch n, err := j.AppendBackfill(t.Context(), []journal.Delivery{first}); {
	case err != nil:
		t.Fatal(err)
	case n != 1:
		t.Fatalf("n = %v, want 1", n)
	}
	first.Body = append(first.Body, ' ')
	switch n, err := j.AppendBackfill(t.Context(), []journal.Delivery{first, second}); {
	case err != nil:
		t.Error(err)
	case n != 1:
		t.Errorf("n = %v, want 1", n)
	}
	e, err := j.Get(t.Context(), 1)
	switch {
	case err != nil:
		t.Error(err)
	case !e.Backfill:
		t.Error("e.Backfill = false, want true")
	case e.Altered:
		t.Error("e.Altered = true, want false")
	case string(e.Body) == string(first.Body):
		t.Errorf("e.Body = %v", string(e.Body))
	}
	ids := appendAll(t, j, delivery(3))
	switch e, err := j.Get(t.Context(), ids[0]); {
	case err != nil:
		t.Error(err)
	case e.Backfill:
		t.Error("e.Backfill = true, want false")
	}
}

func TestAPageIsKept(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	want := journal.Page{Digest: "abc", Count: 1000, First: 1, Last: 2000}
	if err := j.KeepPages(t.Context(), map[string]journal.Page{"a": {Digest: "old"}}); err != nil {
		t.Fatal(err)
	}
	if err := j.KeepPages(t.Context(), map[string]journal.Page{"a": want, "b": {}}); err != nil {
		t.Fatal(err)
	}
	got, err := j.KeptPage(t.Context(), "a")
	none, errNone := j.KeptPage(t.Context(), "c")
	switch {
	case err != nil:
		t.Error(err)
	case errNone != nil:
		t.Error(errNone)
	case got != want:
		t.Errorf("got = %v, want %v", got, want)
	case none != (journal.Page{}):
		t.Errorf("none = %v, want %v", none, (journal.Page{}))
	}
}

// The journal and its index agree on letters: SQLite has lower case for ASCII only.
func TestObjectsAreNamedWithoutCase(t *testing.T) {
	t.Parallel()
	for event, want := range map[string]string{
		"order.create": "order", "ORDER.update": "order", "AZaz@[`{.x": "azaz@[`{", "Ærend.x": "Ærend", "a.b.c": "a", ".x": "", "order": "",
		"a\x00b.x": "a", "\x00.x": "", "a.\x00": "a",
	} {
		got := journal.Delivery{Event: event, ObjectID: 7}.Object()
		if want := (journal.ObjectKey{Kind: want, ID: 7}); got != want {
			t.Errorf("%q: %+v, want %+v", event, got, want)
		}
	}
}

// The kind of an object is computed in Go and in SQL, from a name that the sender chooses.
func TestWaitingDeliveriesAreFoundByTheirObject(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	for n, event := range []string{
		"order.create", "a\x00b.create", "\x00.create", "a.\x00", "\x00", "Ærend.x", "AZ@[`{.x", "'.x", "\n.x", "a.b.c", ".x",
		"order", "\U0010ffff.x",
	} {
		d := about(n, event, int64(n), "null")
		id := appendAll(t, j, d)[0]
		found, err := j.WaitingOf(t.Context(), d.Object(), 0, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) != 1 {
			t.Errorf("%q: found %d deliveries, want 1", event, len(found))
		} else if found[0].ID != id {
			t.Errorf("%q: found delivery %d, want %d", event, found[0].ID, id)
		}
	}
}
