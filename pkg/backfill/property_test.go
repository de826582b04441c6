package backfill_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Whatever the network loses, delays and puts out of order, whichever versions are skipped and however often the app
// is down: after a nightly backfill the app has what Tripletex has, and the next one finds nothing to do.
func TestAfterABackfillTheAppHasWhatTripletexHas(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, top)
		var kinds []tripletex.ObjectKind
		for name := range paths() {
			k, _ := tripletex.FindObjectKind(name)
			kinds = append(kinds, k)
		}
		early := rapid.IntRange(0, 5).Draw(t, "before anybody was subscribed")
		for range early {
			w.step(kinds)
		}
		w.subscribe(kinds)
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			w.step(kinds)
		}
		w.backfill(kinds, false)
		w.app.refuses = 0
		w.forward()
		w.compare()
		// What was delayed until now may tell of what is gone meanwhile; the next night finds that.
		for range len(w.held) {
			w.arrive()
		}
		w.backfill(kinds, false)
		w.forward()
		w.compare()
		for _, c := range w.backfill(kinds, true) {
			if !c.InStep() {
				t.Errorf("the next one finds %+v", c)
			}
			if c.Known != c.Seen {
				t.Errorf("c.Known = %v, want %v", c.Known, c.Seen)
			}
		}
	})
}

// step lets something happen.
func (w *world) step(kinds []tripletex.ObjectKind) {
	byName := map[string]tripletex.ObjectKind{}
	for _, k := range kinds {
		byName[k.Name] = k
	}
	k := byName[rapid.SampledFrom([]string{"customer", "order", "closegroup"}).Draw(w.t, "kind")]
	steps := []string{
		"create", "create", "update", "update", "delete", "delete",
		"inactive", "active", "arrive", "forward", "refuse", "nightly", "purge",
	}
	switch rapid.SampledFrom(steps).Draw(w.t, "what") {
	case "create":
		w.happen(k, k.Created, 1)
	case "update":
		if k.Updated != "" {
			w.happen(k, k.Updated, rapid.IntRange(1, 3).Draw(w.t, "times"))
		}
	case "delete":
		w.happen(k, k.Deleted, 1)
	case "inactive":
		w.set(byName["customer"], `{"isInactive":true}`)
	case "active":
		w.set(byName["customer"], `{"isInactive":false}`)
	case "arrive":
		w.arrive()
	case "forward":
		w.forward()
	case "refuse":
		w.app.refuses = rapid.IntRange(1, 5).Draw(w.t, "times")
	case "nightly":
		if len(w.subscribed) > 0 {
			w.backfill(kinds, rapid.Bool().Draw(w.t, "only a report"))
		}
	case "purge":
		if _, err := w.journal.Purge(w.ctx, journal.Filter{States: []journal.State{journal.Forwarded}}, nil); err != nil {
			w.t.Fatal(err)
		}
	}
}
