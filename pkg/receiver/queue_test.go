package receiver_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
)

// app answers as the test says, and remembers the keys that it got.
type app struct {
	mu     sync.Mutex
	got    []string
	answer func(e journal.Entry) receiver.Answer
}

func (a *app) String() string { return "app" }

func (a *app) Forward(_ context.Context, e journal.Entry, _ bool) receiver.Answer {
	a.mu.Lock()
	a.got = append(a.got, e.Key)
	a.mu.Unlock()
	return a.answer(e)
}

func (a *app) keys() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.got)
}

func accept(journal.Entry) receiver.Answer { return receiver.Answer{Status: 200} }

func refuse(journal.Entry) receiver.Answer {
	return receiver.Answer{Status: 500, Err: errors.New("the app answered 500")}
}

// store puts deliveries into a new journal: object 0 has keys 0-0, 0-1 and so on.
func store(t *testing.T, objects, each int) *journal.Journal {
	t.Helper()
	j, err := journal.Open(t.TempDir(), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	for n := range each {
		for object := range objects {
			add(t, j, object, n)
		}
	}
	return j
}

func add(t *testing.T, j *journal.Journal, object, n int) int64 {
	t.Helper()
	stored, err := j.Append(t.Context(), journal.Delivery{
		Key: fmt.Sprintf("%d-%d", object, n), Received: time.Now(), Event: "order.update", SubscriptionID: 1,
		ObjectID: int64(object), Body: []byte("{}"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return stored.ID
}

// linger is how long run goes on when there is enough: what must not happen could happen then.
const linger = 200 * time.Millisecond

// run forwards until there is enough, and returns what was reported.
func run(t *testing.T, j *journal.Journal, enough func([]receiver.DeliveryEvent) bool, routes ...receiver.Route) []receiver.DeliveryEvent {
	t.Helper()
	var mu sync.Mutex
	var all []receiver.DeliveryEvent
	q := receiver.NewQueue(j, routes, func(o receiver.DeliveryEvent) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, o)
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	go func() {
		defer cancel()
		for done := false; !done && ctx.Err() == nil; {
			<-time.After(5 * time.Millisecond)
			mu.Lock()
			done = enough(all)
			mu.Unlock()
		}
		<-time.After(linger)
	}()
	q.Run(ctx)
	if stats := q.Stats(); stats.InFlight != 0 {
		t.Errorf("%d are in flight after the end", stats.InFlight)
	}
	return all
}

// reports is enough where so much was reported.
func reports(n int) func([]receiver.DeliveryEvent) bool {
	return func(all []receiver.DeliveryEvent) bool { return len(all) >= n }
}

func states(t *testing.T, j *journal.Journal) map[journal.State]int {
	t.Helper()
	all := map[journal.State]int{}
	for e, err := range j.List(t.Context(), journal.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		all[e.State]++
	}
	return all
}

func TestQueueForwardsOfEachObjectInOrder(t *testing.T) {
	if testing.Short() {
		t.Skip("not a unit test")
	}
	t.Parallel()
	j, a := store(t, 20, 30), &app{answer: accept}
	var mu sync.Mutex
	failed := map[string]int{}
	a.answer = func(e journal.Entry) receiver.Answer { // each fails once or not at all
		mu.Lock()
		defer mu.Unlock()
		if failed[e.Key]++; failed[e.Key] == 1 && e.ID%17 == 0 {
			return refuse(e)
		}
		return accept(e)
	}
	run(t, j, reports(600+600/17), receiver.Route{Event: "*", App: a})
	last, done := map[string]string{}, 0
	for _, key := range a.keys() {
		var object, n, before int
		_, _ = fmt.Sscanf(key, "%d-%d", &object, &n)
		name := strconv.Itoa(object)
		if _, err := fmt.Sscanf(last[name], "%d", &before); err == nil && n != before && n != before+1 {
			t.Errorf("%s came after %d", key, before)
		}
		last[name] = strconv.Itoa(n)
		done++
	}
	switch got := states(t, j); {
	case done != 600+600/17:
		t.Errorf("done = %v, want %v", done, 600+600/17)
	case got[journal.Forwarded] != 600:
		t.Errorf("got[journal.Forwarded] = %v, want 600", got[journal.Forwarded])
	}
}

// One object whose delivery is refused holds up only itself.
func TestRefusedDeliveryHoldsUpOnlyItsObject(t *testing.T) {
	t.Parallel()
	j := store(t, 3, 2)
	a := &app{answer: func(e journal.Entry) receiver.Answer {
		if e.ObjectID == 1 {
			return refuse(e)
		}
		return accept(e)
	}}
	all := run(t, j, reports(5), receiver.Route{Event: "*", App: a})
	switch got := states(t, j); {
	case got[journal.Forwarded] != 4:
		t.Errorf("got[journal.Forwarded] = %v, want 4", got[journal.Forwarded])
	case got[journal.Pending] != 2:
		t.Errorf("got[journal.Pending] = %v, want 2", got[journal.Pending])
	}
	if slices.Contains(a.keys(), "1-1") {
		t.Error("a delivery went before an older one of its object")
	}
	i := slices.IndexFunc(all, func(o receiver.DeliveryEvent) bool { return o.Kind == receiver.KindFailed })
	switch {
	case i < 0:
		t.Errorf("i = %v, want at least 0", i)
	case all[i].Again < time.Second:
		t.Errorf("all[i].Again = %v, want at least %v", all[i].Again, time.Second)
	case all[i].Attempt != 1:
		t.Errorf("all[i].Attempt = %v, want 1", all[i].Attempt)
	case all[i].Answer.Status != 500:
		t.Errorf("all[i].Answer.Status = %v, want 500", all[i].Answer.Status)
	}
}

func TestOnlyTimeInWhichForwardingWasTriedCounts(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for name, test := range map[string]struct {
		tried time.Duration // until the last attempt
		since time.Duration // that one was so long ago
		want  journal.State
	}{
		"stopped for a weekend":        {time.Second, 60 * time.Hour, journal.Pending},
		"stopped for a year":           {23 * time.Hour, 365 * day, journal.Pending},
		"clock set back":               {time.Minute, -48 * time.Hour, journal.Pending},
		"tried for almost a day":       {day - 2*time.Minute, time.Minute, journal.Pending},
		"tried for a day":              {day - time.Minute, time.Minute, journal.Dead},
		"tried for a day, clock back":  {day, -time.Hour, journal.Dead},
		"tried for a day, then a stop": {day - time.Minute, 60 * time.Hour, journal.Dead},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := store(t, 1, 1)
			before := journal.Attempt{At: time.Now().Add(-test.since), State: journal.Pending, Tried: test.tried}
			if err := j.Mark(t.Context(), 1, before); err != nil {
				t.Fatal(err)
			}
			run(t, j, reports(1), receiver.Route{Event: "*", App: &app{answer: refuse}})
			if got := stateOf(t, j, 1).State; got != test.want {
				t.Errorf("it is %s, want %s", got, test.want)
			}
		})
	}
}

func TestStatusGoneDeadLettersAtOnceAndLaterDeliveriesContinue(t *testing.T) {
	t.Parallel()
	j := store(t, 1, 2)
	a := &app{answer: func(e journal.Entry) receiver.Answer {
		if e.Key == "0-0" {
			return receiver.Answer{Status: 410, Gone: true, Err: errors.New("the app answered 410 Gone")}
		}
		return accept(e)
	}}
	run(t, j, reports(2), receiver.Route{Event: "*", App: a})
	switch got := states(t, j); {
	case got[journal.Dead] != 1:
		t.Errorf("got[journal.Dead] = %v, want 1", got[journal.Dead])
	case got[journal.Forwarded] != 1:
		t.Errorf("got[journal.Forwarded] = %v, want 1", got[journal.Forwarded])
	}
}

func TestRetryAfterIsWaitedFor(t *testing.T) {
	t.Parallel()
	j := store(t, 1, 1)
	all := run(t, j, reports(1), receiver.Route{Event: "*", App: &app{answer: func(journal.Entry) receiver.Answer {
		return receiver.Answer{Status: 429, Err: errors.New("busy"), RetryAfter: 4 * time.Minute}
	}}})
	switch {
	case len(all) != 1:
		t.Errorf("len(all) = %v, want 1", len(all))
	case all[0].Again != 4*time.Minute:
		t.Errorf("all[0].Again = %v, want %v", all[0].Again, 4*time.Minute)
	}
}

func TestFirstRouteThatFitsTakesADelivery(t *testing.T) {
	t.Parallel()
	j, orders, rest := store(t, 2, 1), &app{answer: accept}, &app{answer: accept}
	run(t, j, reports(2), receiver.Route{Event: "ORDER.*", App: orders}, receiver.Route{Event: "*", App: rest})
	switch {
	case len(orders.keys()) != 2:
		t.Errorf("len(orders.keys()) = %v, want 2", len(orders.keys()))
	case len(rest.keys()) != 0:
		t.Errorf("len(rest.keys()) = %v, want 0", len(rest.keys()))
	}
	other := store(t, 2, 1)
	run(t, other, reports(0), receiver.Route{Event: "invoice.*", App: orders})
	if got := states(t, other); got[journal.Pending] != 2 {
		t.Errorf("%v", got)
	}
}

// A slow app does not hold up another one.
func TestSlowAppHoldsUpOnlyItself(t *testing.T) {
	t.Parallel()
	j, hang := store(t, 30, 1), make(chan struct{})
	defer close(hang)
	other := journal.Delivery{Key: "quick", Received: time.Now(), Event: "invoice.charged", Body: []byte("{}")}
	if _, err := j.Append(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	quick := &app{answer: accept}
	slow := &app{answer: func(journal.Entry) receiver.Answer {
		select {
		case <-hang:
		case <-time.After(5 * time.Second):
		}
		return receiver.Answer{Status: 200}
	}}
	all := func([]receiver.DeliveryEvent) bool { return len(quick.keys()) == 1 && len(slow.keys()) == 8 }
	run(t, j, all, receiver.Route{Event: "order.*", App: slow}, receiver.Route{Event: "*", App: quick})
	switch {
	case len(quick.keys()) != 1:
		t.Errorf("len(quick.keys()) = %v, want 1", len(quick.keys()))
	case len(slow.keys()) != 8:
		t.Errorf("len(slow.keys()) = %v, want 8", len(slow.keys()))
	}
}

func TestDeadDeliveryThatAnotherProgramRevivesIsForwarded(t *testing.T) {
	if testing.Short() {
		t.Skip("not a unit test")
	}
	t.Parallel()
	j, a := store(t, 1, 3), &app{}
	var mu sync.Mutex
	tries := 0
	a.answer = func(e journal.Entry) receiver.Answer {
		mu.Lock()
		defer mu.Unlock()
		if tries++; tries == 1 {
			return receiver.Answer{Status: 410, Gone: true, Err: errors.New("the app answered 410 Gone")}
		}
		return accept(e)
	}
	go func() {
		// The last one is forwarded after the first is dead, as they are about the same object.
		for e, err := j.Get(t.Context(), 3); err == nil && e.State != journal.Forwarded; e, err = j.Get(t.Context(), 3) {
			time.Sleep(10 * time.Millisecond)
		}
		_ = j.Mark(context.WithoutCancel(t.Context()), 1, journal.Attempt{At: time.Now(), State: journal.Pending})
	}()
	run(t, j, func([]receiver.DeliveryEvent) bool { return len(a.keys()) == 4 }, receiver.Route{Event: "*", App: a})
	if got := a.keys(); !slices.Equal(got, []string{"0-0", "0-1", "0-2", "0-0"}) {
		t.Errorf("%v", got)
	}
}

func TestBackoffGrowsToFiveMinutes(t *testing.T) {
	t.Parallel()
	for failed, longest := range map[int]time.Duration{
		1: 2 * time.Second, 2: 4 * time.Second, 8: 256 * time.Second, 9: 5 * time.Minute, 1 << 40: 5 * time.Minute,
	} {
		var least, most time.Duration = time.Hour, 0
		for range 2000 {
			wait := receiver.Backoff(failed)
			least, most = min(least, wait), max(most, wait)
		}
		if least < time.Second {
			t.Errorf("%d: least = %v, want at least %v", failed, least, time.Second)
		}
		if most > longest {
			t.Errorf("%d: most = %v, want at most %v", failed, most, longest)
		}
		if most < longest*9/10 {
			t.Errorf("%d: most = %v, want at least %v", failed, most, longest*9/10)
		}
	}
}

func TestPatternsOfRoutes(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]bool{
		"*": true, "order.update": true, "ORDER.Update": true, "order.*": true, "*.update": true, "o*r.u*e": true, "order?update": true,
		"": false, "order": false, "*.create": false, "order.update?": false, "order.update*": true, "**": true, "a*": false,
	} {
		if got := receiver.Matches(pattern, "order.update"); got != want {
			t.Errorf("%q: %v", pattern, got)
		}
	}
}
