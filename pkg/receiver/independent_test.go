package receiver_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
)

// counted is a journal that counts the rows that a queue reads to find what is to be forwarded, until it has read one of
// an object.
type counted struct {
	*journal.Journal
	object int64
	found  atomic.Bool
	rows   atomic.Int64
}

func (c *counted) count(page []journal.Entry, err error) ([]journal.Entry, error) {
	if !c.found.Load() {
		c.rows.Add(int64(len(page)))
	}
	if slices.ContainsFunc(page, func(e journal.Entry) bool { return e.ObjectID == c.object }) {
		c.found.Store(true)
	}
	return page, err
}

func (c *counted) Waiting(ctx context.Context, after int64, limit int) ([]journal.Entry, error) {
	return c.count(c.Journal.Waiting(ctx, after, limit))
}

func (c *counted) WaitingOn(ctx context.Context, event string, object int64, limit int) ([]journal.Entry, error) {
	return c.count(c.Journal.WaitingOn(ctx, event, object, limit))
}

func (c *counted) WaitingOf(ctx context.Context, object journal.ObjectKey, after int64, limit int) ([]journal.Entry, error) {
	return c.count(c.Journal.WaitingOf(ctx, object, after, limit))
}

// The rows that are read before the last of a few healthy deliveries do not depend on how much waits for others. They
// stand for the time that it takes.
func TestBacklogOfOthersIsNotReadFirst(t *testing.T) {
	t.Parallel()
	const waiting, healthy, most = 6_000, 20, 1_500
	for name, test := range map[string]struct {
		events, objects int  // of what waits for the app that is down
		shared          bool // the healthy deliveries have the same event and app
	}{
		"another app, many objects": {1, waiting, false},
		"another app, one object":   {1, 1, false},
		"another app, many events":  {100, waiting, false},
		"another app, few objects":  {3, 50, false},
		"same app, another object":  {1, 1, true},
		"same app, other objects":   {1, 10, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := &counted{Journal: store(t, 0, 0), object: 1_000_000 + healthy - 1}
			for n := range test.events {
				pile(t, j.Journal, fmt.Sprint("order.update", n), waiting/test.events, test.objects)
			}
			event := map[bool]string{true: "order.update0", false: "invoice.charged"}[test.shared]
			pileAt(t, j.Journal, event, healthy, 1_000_000)
			got, rows := forwardHealthy(t, j, healthy), j.rows.Load()
			if got < healthy {
				t.Errorf("%d of %d healthy deliveries were forwarded", got, healthy)
			}
			if rows > most {
				t.Errorf("the healthy deliveries were forwarded after %d rows, want at most %d", rows, most)
			}
		})
	}
}

// pileAt stores deliveries of an event about as many objects, from an ID on.
func pileAt(t *testing.T, j *journal.Journal, event string, count int, object int64) {
	t.Helper()
	for n := range count {
		if _, err := j.Append(t.Context(), journal.Delivery{
			Key: fmt.Sprint("healthy", n), Received: time.Now(), Event: event, SubscriptionID: 1, ObjectID: object + int64(n), Body: []byte("{}"),
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// forwardHealthy runs a queue with one route for each kind of event, in which objects from 1,000,000 on are accepted,
// and returns how many were.
func forwardHealthy(t *testing.T, j *counted, enough int64) int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var done atomic.Int64
	choosy := &app{answer: func(e journal.Entry) receiver.Answer {
		if e.ObjectID < 1_000_000 {
			return refuse(e)
		}
		if done.Add(1) == enough {
			cancel()
		}
		return receiver.Answer{Status: 200}
	}}
	receiver.NewQueue(j, []receiver.Route{{Event: "order.*", App: choosy}, {Event: "invoice.*", App: choosy}}, nil).Run(ctx)
	return done.Load()
}

// The deliveries of an object that wait for an app that is down are read once, not before each delivery to another app.
func TestBacklogOfTheSameObjectIsReadOnce(t *testing.T) {
	t.Parallel()
	const waiting, healthy = 3_000, 200
	j := &counted{Journal: store(t, 0, 0), object: -1} // counts all rows
	pile(t, j.Journal, "order.create", waiting, 1)
	pile(t, j.Journal, "order.update", healthy, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var done atomic.Int64
	up := &app{answer: func(journal.Entry) receiver.Answer {
		if done.Add(1) == healthy {
			cancel()
		}
		return receiver.Answer{Status: 200}
	}}
	down := &app{answer: refuse}
	receiver.NewQueue(j, []receiver.Route{{Event: "*.create", App: down}, {Event: "*.update", App: up}}, nil).Run(ctx)
	if got := done.Load(); got != healthy {
		t.Errorf("%d of %d healthy deliveries were forwarded", got, healthy)
	}
	if rows := j.rows.Load(); rows > 5*waiting {
		t.Errorf("%d rows were read, want at most %d", rows, 5*waiting)
	}
}
