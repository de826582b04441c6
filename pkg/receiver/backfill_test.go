package receiver_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
)

// What is backfilled of an object does not pass what waits of it, though that is for another subscription. Another kind
// with the same id is another object.
func TestNothingOvertakesPendingDeliveriesOfItsObject(t *testing.T) {
	t.Parallel()
	j := store(t, 0, 0)
	deliver := func(key, event string, subscription int64) {
		d := journal.Delivery{Key: key, Received: time.Now(), Event: event, SubscriptionID: subscription, ObjectID: 7, Body: []byte("{}")}
		if _, err := j.Append(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	deliver("created", "order.create", 1)
	deliver("other", "customer.create", 3)
	if _, err := j.AppendBackfill(t.Context(), []journal.Delivery{
		{Key: "newer", Received: time.Now(), Event: "order.update", SubscriptionID: 2, ObjectID: 7, Body: []byte("{}")},
	}); err != nil {
		t.Fatal(err)
	}
	a := &app{answer: func(e journal.Entry) receiver.Answer {
		if e.Key == "created" {
			return refuse(e)
		}
		return accept(e)
	}}
	receiver.NewQueue(j, []receiver.Route{{Event: "*", App: a}}, nil).Drain(t.Context())
	if got := slices.Sorted(slices.Values(a.keys())); !slices.Equal(got, []string{"created", "other"}) {
		t.Errorf("the app got %v", got)
	}
	a.answer = accept
	receiver.NewQueue(j, []receiver.Route{{Event: "*", App: a}}, nil).Drain(t.Context())
	if got := a.keys()[2:]; !slices.Equal(got, []string{"created", "newer"}) {
		t.Errorf("then it got %v", got)
	}
}

// Drain ends once everything is accepted or was tried, however much there is.
func TestDrainEndsWhereNothingIsLeftToTry(t *testing.T) {
	t.Parallel()
	j := store(t, 50, 5)
	var mu sync.Mutex
	tried := map[string]int{}
	a := &app{answer: func(e journal.Entry) receiver.Answer {
		mu.Lock()
		defer mu.Unlock()
		if tried[e.Key]++; e.ObjectID < 10 {
			return refuse(e)
		}
		return accept(e)
	}}
	receiver.NewQueue(j, []receiver.Route{{Event: "*", App: a}}, nil).Drain(t.Context())
	waiting, err := j.Count(t.Context(), journal.Filter{States: []journal.State{journal.Pending}})
	switch {
	case err != nil:
		t.Error(err)
	case waiting != 10*5:
		t.Errorf("waiting = %v, want %v", waiting, 10*5)
	}
	for key, times := range tried {
		if object, _, _ := strings.Cut(key, "-"); len(object) > 1 && times != 1 {
			t.Errorf("%s was tried %d times", key, times)
		}
	}
	receiver.NewQueue(store(t, 0, 0), []receiver.Route{{Event: "*", App: a}}, nil).Drain(t.Context()) // of nothing
}

func TestBackfilledDeliveriesAreMarked(t *testing.T) {
	t.Parallel()
	got := http.Header{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header }))
	defer server.Close()
	target, err := receiver.NewTarget(server.URL, receiver.TargetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, backfill := range []bool{true, false} {
		e := journal.Entry{Delivery: journal.Delivery{Key: "k", Body: []byte("{}"), Backfill: backfill}}
		switch a := target.Forward(t.Context(), e, false); {
		case a.Err != nil:
			t.Errorf("%v: a.Err = %v, want nil", backfill, a.Err)
		case (got.Get(receiver.BackfillHeader) == "true") != backfill:
			t.Errorf("%v: %v %v", backfill, got, a.Err)
		}
	}
}
