package receiver_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// reads is a journal that counts what a queue reads.
type reads struct {
	*journal.Journal
	tail, sweep atomic.Int64 // rows
	objects     atomic.Int64 // calls
	last        atomic.Int64 // calls
	failing     atomic.Int64 // failures that are left of the last one
}

func (r *reads) LastWaiting(ctx context.Context) (int64, error) {
	r.last.Add(1)
	if r.failing.Add(-1) >= 0 {
		return 0, errors.New("the disk fails")
	}
	return r.Journal.LastWaiting(ctx)
}

func (r *reads) Waiting(ctx context.Context, after int64, limit int) ([]journal.Entry, error) {
	page, err := r.Journal.Waiting(ctx, after, limit)
	r.tail.Add(int64(len(page)))
	return page, err
}

func (r *reads) WaitingOn(ctx context.Context, event string, object int64, limit int) ([]journal.Entry, error) {
	page, err := r.Journal.WaitingOn(ctx, event, object, limit)
	r.sweep.Add(int64(len(page)))
	return page, err
}

func (r *reads) WaitingOf(ctx context.Context, object journal.ObjectKey, after int64, limit int) ([]journal.Entry, error) {
	r.objects.Add(1)
	return r.Journal.WaitingOf(ctx, object, after, limit)
}

// inBubble runs a queue over a filled journal in a bubble of synctest, and calls a function beside it.
func inBubble(
	t *testing.T, fill func(*testing.T, *journal.Journal), beside func(*testing.T, *reads, *receiver.Queue), routes ...receiver.Route,
) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		j := store(t, 0, 0)
		defer func() { _ = j.Close() }()
		fill(t, j)
		all := &reads{Journal: j}
		queue := receiver.NewQueue(all, routes, nil)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			queue.Run(ctx)
		}()
		beside(t, all, queue)
		cancel()
		<-ended
	})
}

// idle is an app that answers after an hour, or at the end of the program.
type idle struct{}

func (idle) String() string { return "an idle app" }

func (idle) Forward(ctx context.Context, _ journal.Entry, _ bool) receiver.Answer {
	return receiver.Answer{Status: -1, Err: wait.For(ctx, time.Hour)}
}

func TestObjectsAreTriedInTheOrderOfTheirDeliveries(t *testing.T) {
	t.Parallel()
	quick := &app{answer: accept}
	fill := func(t *testing.T, j *journal.Journal) { pile(t, j, "order.update", 40, 40) }
	inBubble(t, fill, func(*testing.T, *reads, *receiver.Queue) {
		time.Sleep(time.Second)
	}, receiver.Route{Event: "*", App: quick, Parallel: 1})
	var want []string
	for n := range 40 {
		want = append(want, fmt.Sprint("order.update", n))
	}
	if diff := cmp.Diff(want, quick.keys()); diff != "" {
		t.Errorf("deliveries (-want +got):\n%s", diff)
	}
}

// Up to 10,000 new deliveries are read in their order. More are read by objects.
func TestALongTailIsNotRead(t *testing.T) {
	t.Parallel()
	fill := func(t *testing.T, j *journal.Journal) { pile(t, j, "order.update", 6_000, 1) }
	inBubble(t, fill, func(t *testing.T, j *reads, queue *receiver.Queue) {
		time.Sleep(10 * time.Second)
		for _, step := range []struct {
			event       string
			added, read int
		}{{"order.create", 10_000, 10_000}, {"order.delete", 10_001, 0}, {"order.close", 1, 1}} {
			before := j.tail.Load()
			pile(t, j.Journal, step.event, step.added, 1)
			queue.Wake()
			time.Sleep(time.Second)
			if got := j.tail.Load() - before; got != int64(step.read) {
				t.Errorf("of %d new deliveries %d were read in their order, want %d", step.added, got, step.read)
			}
		}
	}, receiver.Route{Event: "*", App: idle{}})
}

func TestNewObjectsAreForwardedWithoutReadingTheirs(t *testing.T) {
	t.Parallel()
	sick := func(ctx context.Context) receiver.Answer {
		return receiver.Answer{Status: -1, Err: wait.For(ctx, time.Hour)}
	}
	healthy := &several{app: app{answer: accept}, sick: sick}
	fill := func(t *testing.T, j *journal.Journal) { pile(t, j, "order.update", 1, 1) }
	inBubble(t, fill, func(t *testing.T, j *reads, queue *receiver.Queue) {
		time.Sleep(10 * time.Second)
		before := j.objects.Load()
		pile(t, j.Journal, "invoice.charged", 1_100, 1_100)
		queue.Wake()
		time.Sleep(time.Second)
		if got := len(healthy.keys()); got != 1_100 {
			t.Errorf("%d of 1100 were forwarded", got)
		}
		if got := j.objects.Load() - before; got != 0 {
			t.Errorf("the deliveries of %d objects were read, want 0", got)
		}
	}, receiver.Route{Event: "*", App: healthy})
}

// The deliveries of an object for another app do not hide the next one.
func TestNextDeliveryOfAnObjectWithSeveralApps(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		events []string
		reads  int64 // of the object, by both routes
	}{
		{[]string{"order.update"}, 1},
		{[]string{"order.create", "order.update", "order.update"}, 0},
		{[]string{"order.create", "order.create", "order.update", "order.update"}, 0},
	} {
		quick := &app{answer: accept}
		want := 0
		fill := func(t *testing.T, j *journal.Journal) {
			for n, event := range test.events {
				d := journal.Delivery{Key: fmt.Sprint(event, n), Received: time.Now(), Event: event, ObjectID: 7, Body: []byte("{}")}
				if _, err := j.Append(t.Context(), d); err != nil {
					t.Fatal(err)
				}
				if event == "order.update" {
					want++
				}
			}
		}
		inBubble(t, fill, func(t *testing.T, j *reads, _ *receiver.Queue) {
			time.Sleep(time.Second)
			if got := j.objects.Load(); test.reads > 0 && got != test.reads {
				t.Errorf("%v: the object was read %d times, want %d", test.events, got, test.reads)
			}
		}, receiver.Route{Event: "order.create", App: idle{}}, receiver.Route{Event: "order.update", App: quick})
		if got := len(quick.keys()); got != want {
			t.Errorf("%v: %d were forwarded within a second, want %d", test.events, got, want)
		}
	}
}

func TestASweepReadsAllObjectsAtOnce(t *testing.T) {
	t.Parallel()
	fill := func(t *testing.T, j *journal.Journal) { pile(t, j, "order.update", 350, 350) }
	inBubble(t, fill, func(t *testing.T, j *reads, _ *receiver.Queue) {
		time.Sleep(50 * time.Millisecond)
		if got := j.sweep.Load(); got != 350 {
			t.Errorf("%d rows were read within 50 ms, want 350", got)
		}
	}, receiver.Route{Event: "*", App: idle{}})
}

func TestAFailingBacklogIsReadSeldom(t *testing.T) {
	t.Parallel()
	quick := &app{answer: accept}
	inBubble(t, func(*testing.T, *journal.Journal) {}, func(t *testing.T, j *reads, queue *receiver.Queue) {
		time.Sleep(10 * time.Second)
		j.failing.Store(1_000)
		j.last.Store(0)
		pile(t, j.Journal, "order.update", 1, 1)
		queue.Wake()
		time.Sleep(time.Minute)
		if got := j.last.Load(); got > 100 {
			t.Errorf("it was read %d times in a minute, want at most 100", got)
		}
		j.failing.Store(0)
		time.Sleep(time.Minute)
		if got := quick.keys(); !slices.Equal(got, []string{"order.update0"}) {
			t.Errorf("forwarded %q, want the delivery", got)
		}
	}, receiver.Route{Event: "*", App: quick})
}
