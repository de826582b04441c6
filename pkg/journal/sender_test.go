package journal_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

// values are what a sender may write as value.version.
func values() map[string]string {
	return map[string]string{
		"above 64 bits":      "9223372036854775808",
		"below 64 bits":      "-9223372036854775809",
		"above 32 bits":      "2147483648",
		"largest of 64 bits": "9223372036854775807",
		"far too long":       strings.Repeat("9", 5000),
		"negative":           "-7",
		"infinite as a real": "1e999",
		"fraction":           "1.5",
		"real integer":       "3.0",
		"boolean":            "true",
		"text":               `"12"`,
		"text with NUL":      `"1\u00002"`,
		"array":              "[1]",
		"object":             `{"version":1}`,
		"null":               "null",
		"not JSON":           "NaN",
		"hexadecimal":        "0x10",
		"deep":               strings.Repeat("[", 5000) + strings.Repeat("]", 5000),
		"invalid UTF-8":      "\"\xe6\"",
		"lone surrogate":     `"\ud800"`,
	}
}

func TestVersionOutOfRangeIsUnknown(t *testing.T) {
	t.Parallel()
	for name, value := range values() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := open(t, t.TempDir())
			appendAll(t, j, about(1, "order.update", 7, fmt.Sprintf(`{"version":%s}`, value)))
			found := known(t, j)
			switch {
			case len(found) != 1:
				t.Errorf("len(found) = %v, want 1", len(found))
			case found[0].Version != -1:
				t.Errorf("found[0].Version = %v, want %v", found[0].Version, -1)
			}
			purgeAll(t, j, 1)
		})
	}
}

// purgeAll deletes every delivery, of which there must be so many.
func purgeAll(t *testing.T, j *journal.Journal, want int64) {
	t.Helper()
	purged, err := j.Purge(t.Context(), journal.Filter{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if purged != want {
		t.Errorf("purged %d deliveries, want %d", purged, want)
	}
}

func TestTextsOfASenderComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*journal.Delivery){
		"NUL in the event":           func(d *journal.Delivery) { d.Event = "order\x00.update" },
		"NUL after the dot":          func(d *journal.Delivery) { d.Event = "order.upd\x00ate" },
		"event of NUL alone":         func(d *journal.Delivery) { d.Event = "\x00" },
		"invalid UTF-8 in the event": func(d *journal.Delivery) { d.Event = "order.\xff" },
		"empty event":                func(d *journal.Delivery) { d.Event = "" },
		"event without a dot":        func(d *journal.Delivery) { d.Event = "order" },
		"event with an empty kind":   func(d *journal.Delivery) { d.Event = ".update" },
		"long event":                 func(d *journal.Delivery) { d.Event = strings.Repeat("order.", 100_000) },
		"Latin-1 in a header":        func(d *journal.Delivery) { d.ContentType = "text/\xe6" },
		"largest object":             func(d *journal.Delivery) { d.ObjectID = math.MaxInt64 },
		"smallest object":            func(d *journal.Delivery) { d.ObjectID = math.MinInt64 },
		"empty body":                 func(d *journal.Delivery) { d.Body = []byte{} },
		"NUL in the body":            func(d *journal.Delivery) { d.Body = []byte("{\"value\":\x00}") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := delivery(1)
			change(&d)
			keepAndPurge(t, open(t, t.TempDir()), d)
			j := open(t, t.TempDir())
			findWaiting(t, j, d, appendAll(t, j, d)[0])
		})
	}
}

// keepAndPurge stores a delivery, reads it back and purges it.
func keepAndPurge(t *testing.T, j *journal.Journal, d journal.Delivery) {
	t.Helper()
	e, err := j.Get(t.Context(), appendAll(t, j, d)[0])
	if err != nil {
		t.Fatal(err)
	}
	if e.Event != d.Event {
		t.Errorf("e.Event = %v, want %v", e.Event, d.Event)
	}
	if string(e.Body) != string(d.Body) {
		t.Errorf("e.Body = %v, want %v", string(e.Body), string(d.Body))
	}
	if e.ObjectID != d.ObjectID {
		t.Errorf("e.ObjectID = %v, want %v", e.ObjectID, d.ObjectID)
	}
	if e.ContentType != d.ContentType {
		t.Errorf("e.ContentType = %v, want %v", e.ContentType, d.ContentType)
	}
	if _, err := j.Objects(t.Context(), "order", math.MinInt64, math.MaxInt64, 10); err != nil {
		t.Error(err)
	}
	purgeAll(t, j, 1)
}

// FuzzBytesToPurge stores any bytes as a body and any text as an event, and purges them.
func FuzzBytesToPurge(f *testing.F) {
	for _, value := range values() {
		f.Add("order.update", int64(7), []byte(`{"value":{"version":`+value+`}}`))
	}
	f.Add("\x00", int64(math.MaxInt64), []byte{})
	j, err := journal.Open(f.TempDir(), journal.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = j.Close() })
	f.Fuzz(func(t *testing.T, event string, object int64, body []byte) {
		d := delivery(1)
		d.Key, d.Event, d.ObjectID, d.Body = rand.Text(), event, object, body // what was purged under a key is a duplicate
		stored, err := j.Append(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := j.Get(t.Context(), stored.ID); err != nil {
			t.Fatal(err)
		}
		findWaiting(t, j, d, stored.ID)
		if _, err := j.Purge(context.WithoutCancel(t.Context()), journal.Filter{IDs: []int64{stored.ID}}, nil); err != nil {
			t.Fatal(err)
		}
	})
}

// findWaiting checks that a delivery is found by its event and object.
func findWaiting(t *testing.T, j *journal.Journal, d journal.Delivery, id int64) {
	t.Helper()
	events, err := j.WaitingEvents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(events, []string{d.Event}) {
		t.Errorf("the events are %q, want %q", events, d.Event)
	}
	page, err := j.WaitingOn(t.Context(), d.Event, d.ObjectID, 2)
	if err != nil {
		t.Fatal(err)
	}
	if len(page) != 1 {
		t.Fatalf("%d deliveries wait, want 1", len(page))
	}
	if page[0].ID != id {
		t.Errorf("delivery %d waits, want %d", page[0].ID, id)
	}
	last, err := j.LastWaiting(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if last != id {
		t.Errorf("the last one is %d, want %d", last, id)
	}
}
