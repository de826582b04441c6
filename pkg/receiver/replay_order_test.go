package receiver_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
)

func TestAReplayKeepsTheOrderOfEachObject(t *testing.T) {
	t.Parallel()
	app := &recorder{}
	replay, entries := replaying(t, app, "first", "other", "refused", "other 2", "later")
	var results []string
	for done, err := range replay.Run(t.Context(), entries) {
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, fmt.Sprintf("%d %v %t", done.Entry.ID, done.Answer.Err == nil, done.Skipped))
	}
	if want := []string{"1 true false", "2 true false", "3 false false", "4 true false", "5 false true"}; !slices.Equal(results, want) {
		t.Errorf("%v", results)
	}
	if want := []string{"first", "other", "refused", "other 2"}; !slices.Equal(app.bodies(), want) {
		t.Errorf("the app got %v", app.bodies())
	}
	app.mu.Lock()
	defer app.mu.Unlock()
	switch h := app.headers[0]; {
	case h.Get(receiver.ReplayHeader) != "true":
		t.Errorf("h.Get(receiver.ReplayHeader) = %q, want %q", h.Get(receiver.ReplayHeader), "true")
	case h.Get(receiver.EventIDHeader) != "1":
		t.Errorf("h.Get(receiver.EventIDHeader) = %q, want %q", h.Get(receiver.EventIDHeader), "1")
	case h.Get("Idempotency-Key") != "key-0":
		t.Errorf(`h.Get("Idempotency-Key") = %q, want %q`, h.Get("Idempotency-Key"), "key-0")
	}
	switch e := stateOf(t, replay.Journal, 1); {
	case e.State != journal.Forwarded:
		t.Errorf("accepted: e.State = %v, want %v", e.State, journal.Forwarded)
	case e.Attempts != 1:
		t.Errorf("accepted: e.Attempts = %v, want 1", e.Attempts)
	case e.Status != 200:
		t.Errorf("accepted: e.Status = %v, want 200", e.Status)
	}
	switch e := stateOf(t, replay.Journal, 3); {
	case e.State != journal.Pending:
		t.Errorf("refused: e.State = %v, want %v", e.State, journal.Pending)
	case e.Attempts != 1:
		t.Errorf("refused: e.Attempts = %v, want 1", e.Attempts)
	case e.Status != 500:
		t.Errorf("refused: e.Status = %v, want 500", e.Status)
	}
	switch e := stateOf(t, replay.Journal, 5); {
	case e.State != journal.Pending:
		t.Errorf("skipped: e.State = %v, want %v", e.State, journal.Pending)
	case e.Attempts != 0:
		t.Errorf("skipped: e.Attempts = %v, want 0", e.Attempts)
	}
}

func TestSameObjectIsKindAndIDWhicheverSubscription(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		event                string
		subscription, object int64
		skipped              bool
	}{
		"another subscription": {"order.update", 2, 7, true},
		"another verb":         {"order.delete", 1, 7, true},
		"another case":         {"ORDER.Update", 3, 7, true},
		"no subscription":      {"order.update", 0, 7, true},
		"another kind":         {"customer.update", 1, 7, false},
		"another ID":           {"order.update", 1, 8, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			replay, _ := replaying(t, &recorder{})
			j, _ := replay.Journal.(*journal.Journal)
			replay.App = &app{answer: refuse}
			for n, d := range []journal.Delivery{
				{Event: "order.create", SubscriptionID: 1, ObjectID: 7},
				{Event: test.event, SubscriptionID: test.subscription, ObjectID: test.object},
			} {
				d.Key, d.Received, d.Body = fmt.Sprint("key-", n), time.Now(), []byte("{}")
				if _, err := j.Append(t.Context(), d); err != nil {
					t.Fatal(err)
				}
			}
			entries, _, err := j.Newest(t.Context(), journal.Filter{}, 10)
			if err != nil {
				t.Fatal(err)
			}
			for done, err := range replay.Run(t.Context(), entries) {
				if err != nil {
					t.Fatal(err)
				}
				if want := done.Entry.ID == 2 && test.skipped; done.Skipped != want {
					t.Errorf("delivery %d is skipped: %t, want %t", done.Entry.ID, done.Skipped, want)
				}
			}
		})
	}
}
