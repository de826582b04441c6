package receiver_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
)

// A replay sends nothing before an older delivery of the same object that is still to be forwarded, chosen or not.
func TestReplayHoldsBackForOlderDeliveriesThatWereNotChosen(t *testing.T) {
	t.Parallel()
	// Deliveries 1, 3 and 5 are of one object, 2 and 4 of another.
	for name, test := range map[string]struct {
		settled    []int64 // before the replay
		dead       []int64
		chosen     []int64
		keepStates bool
		want       string
	}{
		"an older one waits":            {chosen: []int64{3}, want: "3 skipped"},
		"two older ones wait":           {chosen: []int64{5}, want: "5 skipped"},
		"one of two older ones":         {chosen: []int64{1, 5}, want: "1 sent, 5 skipped"},
		"all of them":                   {chosen: []int64{1, 3, 5}, want: "1 sent, 3 sent, 5 sent"},
		"all of them, states kept":      {chosen: []int64{1, 3, 5}, keepStates: true, want: "1 sent, 3 sent, 5 sent"},
		"older ones are forwarded":      {settled: []int64{1, 3}, chosen: []int64{5}, want: "5 sent"},
		"an older one is dead":          {settled: []int64{1}, dead: []int64{3}, chosen: []int64{5}, want: "5 sent"},
		"another object waits":          {settled: []int64{1}, chosen: []int64{3, 4}, want: "3 sent, 4 skipped"},
		"a forwarded one, again":        {settled: []int64{1, 3}, chosen: []int64{1, 3}, want: "1 sent, 3 sent"},
		"a forwarded one, older waits":  {settled: []int64{3}, chosen: []int64{3}, want: "3 skipped"},
		"a newer one waits, not chosen": {settled: []int64{1}, chosen: []int64{3, 2}, want: "3 sent, 2 sent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			replay, _ := replaying(t, &recorder{}, many(5)...)
			replay.KeepStates = test.keepStates
			for _, id := range append(slices.Clone(test.settled), test.dead...) {
				state := journal.Forwarded
				if slices.Contains(test.dead, id) {
					state = journal.Dead
				}
				if err := replay.Journal.Mark(t.Context(), id, journal.Attempt{At: time.Now(), State: state}); err != nil {
					t.Fatal(err)
				}
			}
			var chosen []journal.Entry
			for _, id := range test.chosen {
				chosen = append(chosen, stateOf(t, replay.Journal, id))
			}
			var got []string
			for done, err := range replay.Run(t.Context(), chosen) {
				if err != nil {
					t.Fatal(err)
				}
				result := "sent"
				if done.Skipped {
					result = "skipped"
				}
				got = append(got, fmt.Sprint(done.Entry.ID, " ", result))
			}
			if all := strings.Join(got, ", "); all != test.want {
				t.Errorf("%s, want %s", all, test.want)
			}
		})
	}
}

// dice are random numbers that are the same in each run.
type dice struct{ state int }

// IntN returns a number from 0 up to but without n.
func (d *dice) IntN(n int) int {
	d.state = (d.state*1_103_515_245 + 12_345) & (1<<31 - 1)
	return (d.state >> 8) % n
}

// moody is an app that refuses at random, and notes what it accepts for the first time.
type moody struct {
	mu       sync.Mutex
	random   *dice
	accepted map[int64]bool
	order    map[journal.ObjectKey][]int64
}

func (m *moody) String() string { return "moody" }

func (m *moody) Forward(_ context.Context, e journal.Entry, _ bool) receiver.Answer {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch m.random.IntN(4) {
	case 0:
		return receiver.Answer{Status: 500, Err: errors.New("the app answered 500")}
	case 1:
		return receiver.Answer{Status: -1, Err: errors.New("connection refused")}
	}
	if !m.accepted[e.ID] {
		m.accepted[e.ID] = true
		m.order[e.Object()] = append(m.order[e.Object()], e.ID)
	}
	return receiver.Answer{Status: http.StatusOK}
}

// world is a journal with an app, at which random things happen.
type world struct {
	*moody
	folder  string
	journal *journal.Journal
	next    int
}

func (w *world) reopen(t *testing.T) {
	t.Helper()
	if w.journal != nil {
		if err := w.journal.Close(); err != nil {
			t.Fatal(err)
		}
	}
	j, err := journal.Open(w.folder, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w.journal = j
}

// receive stores some deliveries of a few objects, for two subscriptions and with events in several spellings.
func (w *world) receive(t *testing.T, random *dice) {
	t.Helper()
	for range 1 + random.IntN(6) {
		w.next++
		event := []string{"order.update", "Order.Create", "order.delete", "invoice.charged"}[random.IntN(4)]
		_, err := w.journal.Append(t.Context(), journal.Delivery{
			Key: strconv.Itoa(w.next), Received: time.Now(), Event: event, SubscriptionID: int64(random.IntN(2)),
			ObjectID: int64(random.IntN(2)), Body: []byte("{}"),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// replay sends some stored deliveries again, chosen at random.
func (w *world) replay(t *testing.T, choose func() bool, keepStates bool) {
	t.Helper()
	var chosen []journal.Entry
	for e, err := range w.journal.List(t.Context(), journal.Filter{}) {
		if err != nil {
			t.Error(err)
			return
		}
		if choose() {
			chosen = append(chosen, e)
		}
	}
	replay := receiver.Replay{Journal: w.journal, App: w, KeepStates: keepStates}
	for _, err := range replay.Run(t.Context(), chosen) {
		if err != nil && !errors.Is(err, receiver.ErrSilent) {
			t.Error(err)
		}
	}
}

// Whatever fails, is replayed beside forwarding, restarted or purged, and in which order: the app accepts the deliveries
// of an object for the first time in the order in which they were received.
func TestRandomFailuresReplaysRestartsAndPurgesKeepTheOrder(t *testing.T) {
	t.Parallel()
	for seed := range 25 {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			t.Parallel()
			random := &dice{seed}
			w := &world{
				moody:  &moody{random: &dice{seed + 1000}, accepted: map[int64]bool{}, order: map[journal.ObjectKey][]int64{}},
				folder: t.TempDir(),
			}
			w.reopen(t)
			defer func() { _ = w.journal.Close() }()
			for range 25 {
				w.step(t, random)
			}
			for object, ids := range w.order {
				if !slices.IsSorted(ids) {
					t.Errorf("%v was accepted in the order %v", object, ids)
				}
			}
			if len(w.accepted) == 0 {
				t.Error("nothing was accepted")
			}
		})
	}
}

// step does one random thing.
func (w *world) step(t *testing.T, random *dice) {
	t.Helper()
	drain := func() { receiver.NewQueue(w.journal, []receiver.Route{{Event: "*", App: w}}, nil).Drain(t.Context()) }
	share, keepStates := 1+random.IntN(4), random.IntN(3) == 0
	choices := &dice{random.IntN(1 << 20)}
	choose := func() bool { return choices.IntN(share) == 0 }
	switch random.IntN(6) {
	case 0, 1:
		w.receive(t, random)
	case 2:
		drain()
	case 3:
		w.replay(t, choose, keepStates)
	case 4: // both at once
		var group sync.WaitGroup
		group.Go(drain)
		group.Go(func() { w.replay(t, choose, keepStates) })
		group.Wait()
	case 5:
		settled := journal.Filter{States: []journal.State{journal.Forwarded}}
		if _, err := w.journal.Purge(t.Context(), settled, func(journal.Entry) bool { return choose() }); err != nil {
			t.Error(err)
		}
		w.reopen(t)
	}
}
