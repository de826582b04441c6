package receiver_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// pile stores many deliveries of an event, about so many objects by turns.
func pile(t *testing.T, j *journal.Journal, event string, count, objects int) {
	t.Helper()
	batch := make([]journal.Delivery, count)
	for n := range batch {
		batch[n] = journal.Delivery{
			Key: fmt.Sprint(event, n), Received: time.Now(), Event: event, SubscriptionID: 1, ObjectID: int64(n % objects), Body: []byte("{}"),
		}
	}
	if _, err := j.AppendBackfill(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
}

// hang answers after 30 seconds, or when the program ends.
func hang(ctx context.Context) receiver.Answer {
	select {
	case <-ctx.Done():
	case <-time.After(30 * time.Second):
	}
	return receiver.Answer{Status: -1, Err: errors.New("the app gave no answer within 30 seconds")}
}

// late accepts after 20 seconds, or when the program ends.
func late(ctx context.Context) receiver.Answer {
	select {
	case <-ctx.Done():
	case <-time.After(20 * time.Second):
	}
	return receiver.Answer{Status: 200}
}

// several is an app whose answer depends on the event.
type several struct {
	app
	sick func(context.Context) receiver.Answer
}

func (s *several) Forward(ctx context.Context, e journal.Entry, replay bool) receiver.Answer {
	if e.Event == "order.update" {
		return s.sick(ctx)
	}
	return s.app.Forward(ctx, e, replay)
}

func down(context.Context) receiver.Answer {
	return receiver.Answer{Status: -1, Err: errors.New("connection refused")}
}

func TestSickAppOrObjectDelaysNoOther(t *testing.T) {
	if testing.Short() {
		t.Skip("not a unit test")
	}
	t.Parallel()
	for name, test := range map[string]struct {
		count, objects int // deliveries of the sick
		sick           func(context.Context) receiver.Answer
		apart          bool // the healthy have an app of their own
		parallel       int
	}{
		"app that is down, many objects":      {12_000, 12_000, down, true, 0},
		"app that is down, one object":        {3_000, 1, down, true, 0},
		"app that hangs, many objects":        {3_000, 3_000, hang, true, 0},
		"object that is refused, long past":   {3_000, 1, down, false, 0},
		"objects that hang":                   {50, 50, hang, false, 0},
		"objects that hang, one at once":      {5, 5, hang, false, 1},
		"objects that hang, many at once":     {100, 100, hang, false, 20},
		"objects that are accepted after 20s": {50, 50, late, false, 0},
		"objects that are refused":            {300, 300, down, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := store(t, 0, 0)
			pile(t, j, "order.update", test.count, test.objects)
			pile(t, j, "invoice.charged", 200, 200)
			healthy := &several{app: app{answer: accept}, sick: test.sick}
			routes := []receiver.Route{{Event: "*", App: healthy, Parallel: test.parallel}}
			if test.apart {
				routes = append([]receiver.Route{{Event: "order.*", App: &several{sick: test.sick}}}, routes...)
			}
			if got := drainHealthy(t, j, healthy, routes); got < 200 {
				t.Errorf("only %d of 200 healthy deliveries were forwarded", got)
			}
		})
	}
}

// An app has as many new attempts as slots. One that takes longer than a second leaves its slot, up to eight attempts per
// slot. Objects whose last attempt was slow have seven of them, so that a quick one never waits.
func TestSlowAttemptsLeaveTheirSlots(t *testing.T) {
	t.Parallel()
	for _, parallel := range []int64{1, 2} {
		sick := func(ctx context.Context) receiver.Answer {
			return receiver.Answer{Status: 200, Err: wait.For(ctx, 10*time.Second)}
		}
		healthy := &several{app: app{answer: accept}, sick: sick}
		fill := func(t *testing.T, j *journal.Journal) { pile(t, j, "order.update", 800, 40) }
		inBubble(t, fill, func(t *testing.T, j *reads, queue *receiver.Queue) {
			start := time.Now()
			for _, step := range []struct {
				after time.Duration
				want  int64
			}{
				{500 * time.Millisecond, parallel},
				{1500 * time.Millisecond, 2 * parallel},
				{2500 * time.Millisecond, 3 * parallel},
				{7500 * time.Millisecond, 8 * parallel},
				{9500 * time.Millisecond, 8 * parallel},
				{120500 * time.Millisecond, 7 * parallel},
			} {
				time.Sleep(time.Until(start.Add(step.after)))
				if got := queue.Stats().InFlight; got != step.want {
					t.Errorf("%d at once, after %s: %d in flight, want %d", parallel, step.after, got, step.want)
				}
			}
			pile(t, j.Journal, "invoice.charged", 1, 1)
			queue.Wake()
			time.Sleep(time.Second / 2)
			if got := healthy.keys(); len(got) != 1 {
				t.Errorf("%d at once: %d quick deliveries were forwarded within half a second, want 1", parallel, len(got))
			}
		}, receiver.Route{Event: "*", App: healthy, Parallel: int(parallel)})
	}
}

// drainHealthy runs a queue until the healthy app has 200 deliveries, and returns how many it has. Without fairness it
// would have none for as long as the sick ones are tried.
func drainHealthy(t *testing.T, j *journal.Journal, healthy *several, routes []receiver.Route) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		receiver.NewQueue(j, routes, nil).Run(ctx)
	}()
	for len(healthy.keys()) < 200 && ctx.Err() == nil {
		<-time.After(10 * time.Millisecond)
	}
	cancel()
	<-ended
	return len(healthy.keys())
}
