package stream_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/stream"
)

// collector is an app that remembers what it got, by object.
type collector struct {
	mu     sync.Mutex
	got    map[int64][]string
	answer func(journal.Entry) receiver.Answer
}

func newCollector() *collector {
	return &collector{got: map[int64][]string{}, answer: func(journal.Entry) receiver.Answer { return receiver.Answer{Status: 200} }}
}

func (c *collector) String() string { return "a test" }

func (c *collector) Forward(_ context.Context, e journal.Entry, _ bool) receiver.Answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	answer := c.answer(e)
	if answer.Err == nil {
		c.got[e.ObjectID] = append(c.got[e.ObjectID], e.Key)
	}
	return answer
}

// count returns how many deliveries there were, repeats left out.
func (c *collector) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, keys := range c.got {
		seen := map[string]bool{}
		for _, key := range keys {
			seen[key] = true
		}
		n += len(seen)
	}
	return n
}

// arrivals returns how many deliveries there were, with repeats.
func (c *collector) arrivals() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, keys := range c.got {
		n += len(keys)
	}
	return n
}

// copyOf runs a copy of a consumer that forwards to an app, until the function that it returns is called.
func copyOf(t testing.TB, s *stream.Stream, app receiver.App, o stream.ConsumerOptions) (stop func()) {
	t.Helper()
	return copyWith(t, s, o, receiver.Route{Event: "*", App: app})
}

// copyWith is copyOf for several apps.
func copyWith(t testing.TB, s *stream.Stream, o stream.ConsumerOptions, routes ...receiver.Route) (stop func()) {
	t.Helper()
	if o.Takes == nil {
		o.Takes = func(string) bool { return true }
	}
	c, err := s.Consumer(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- c.Run(ctx, func(ctx context.Context, b *stream.Backlog) {
			q := receiver.NewQueue(b, routes, nil)
			b.Notify(q.Wake)
			q.Run(ctx)
		})
	}()
	return sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, nats.ErrConnectionClosed) { // some tests close the connection
			t.Error(err)
		}
	})
}

func quick() stream.ConsumerOptions {
	return stream.ConsumerOptions{Durable: "forward", Takeover: 4 * time.Second}
}

func waitFor(t testing.TB, what string, done func() bool) {
	t.Helper()
	for start := time.Now(); !done(); {
		if time.Since(start) > 2*time.Minute {
			t.Fatalf("no %s within 2 minutes", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func fill(t *testing.T, s *stream.Stream, from, to, objects int) {
	t.Helper()
	for n := from; n < to; n++ {
		if _, err := s.Append(t.Context(), delivery(fmt.Sprintf("key-%06d", n), int64(n%objects))); err != nil {
			t.Fatal(err)
		}
	}
}

// inOrder tells that every object got all of its deliveries, each first time after the one before.
func inOrder(t *testing.T, c *collector, total, objects int) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for object := range objects {
		var first []string
		for _, key := range c.got[int64(object)] {
			if !slices.Contains(first, key) {
				first = append(first, key)
			}
		}
		var want []string
		for n := object; n < total; n += objects {
			want = append(want, fmt.Sprintf("key-%06d", n))
		}
		if !slices.Equal(first, want) {
			t.Errorf("object %d got %v", object, first)
		}
	}
}

// silent is an app that does not answer before it is cut off.
type silent struct{}

func (silent) String() string { return "silence" }

func (silent) Forward(ctx context.Context, _ journal.Entry, _ bool) receiver.Answer {
	<-ctx.Done()
	return receiver.Answer{Status: -1, Err: context.Cause(ctx)}
}

// A copy that is gone without a word has left deliveries unsettled. They come again to the next copy, but only after
// newer ones: those must wait, or an object would lose its order.
func TestMessagesOfAStoppedCopyComeFirst(t *testing.T) {
	if testing.Short() {
		t.Skip("not a unit test")
	}
	t.Parallel()
	live := serve(t, &server.Options{})
	s, gone, app := open(t, live), open(t, live), newCollector()
	const total, objects = 120, 7
	fill(t, s, 0, total/2, objects)
	js := raw(t, live)
	stopFirst := copyOf(t, gone, silent{}, quick())
	defer stopFirst()
	waitFor(t, "turn of the first copy", func() bool { return unsettled(t, js) == total/2 })
	gone.Close() // and not a word
	stopSecond := copyOf(t, s, app, quick())
	defer stopSecond()
	fill(t, s, total/2, total, objects)
	waitFor(t, "everything", func() bool { return app.count() == total })
	inOrder(t, app, total, objects)
}

// A copy that ends as it should gives back what it has not done: the next one need not wait until it is missed.
func TestCopyThatEndsHandsOverAtOnce(t *testing.T) {
	t.Parallel()
	live := serve(t, &server.Options{})
	s, refusing, app := open(t, live), newCollector(), newCollector()
	refusing.answer = func(journal.Entry) receiver.Answer {
		return receiver.Answer{Status: 503, Err: errors.New("not now")}
	}
	const total, objects = 30, 7
	fill(t, s, 0, total, objects)
	o := quick()
	o.Takeover = 10 * time.Minute // nobody waits for that
	js := raw(t, live)
	stopFirst := copyOf(t, open(t, live), refusing, o)
	waitFor(t, "turn of the first copy", func() bool { return unsettled(t, js) == total })
	asking := consumerInfo(t, js).NumWaiting
	stopSecond := copyOf(t, s, app, o)
	defer stopSecond()
	waitFor(t, "second copy", func() bool { return consumerInfo(t, js).NumWaiting > asking })
	stopFirst()
	waitFor(t, "everything", func() bool { return app.count() == total })
	inOrder(t, app, total, objects)
}

// unsettled returns how many deliveries the server has handed to a copy and heard nothing about.
func unsettled(t *testing.T, js jetstream.JetStream) int {
	t.Helper()
	return consumerInfo(t, js).NumAckPending
}

func consumerInfo(t *testing.T, js jetstream.JetStream) *jetstream.ConsumerInfo {
	t.Helper()
	c, err := js.Consumer(t.Context(), "DELIVERIES", "forward")
	if err != nil {
		t.Fatal(err)
	}
	return c.CachedInfo()
}

// Two copies take turns; everything reaches the app in the order of each object, and where a copy ends as it should,
// exactly once.
func TestCopiesTakeTurnsInOrder(t *testing.T) {
	t.Parallel()
	live := serve(t, &server.Options{})
	s, app := open(t, live), newCollector()
	const total, objects = 300, 7
	fill(t, s, 0, total/3, objects)
	stopFirst := copyOf(t, s, app, quick())
	waitFor(t, "first third", func() bool { return app.count() == total/3 })
	stopSecond := copyOf(t, open(t, live), app, quick())
	fill(t, s, total/3, 2*total/3, objects)
	stopFirst()
	fill(t, s, 2*total/3, total, objects)
	waitFor(t, "everything", func() bool { return app.count() == total })
	stopSecond()
	inOrder(t, app, total, objects)
	if n := app.arrivals(); n != total {
		t.Errorf("%d came %d times", total, n)
	}
}

func TestTimeOfTryingCountsOverTurns(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		kept string // by earlier turns; empty for what the first turn kept
		dead bool
	}{
		"a day":             {"24h0m0s", true},
		"a week":            {"168h0m0s", true},
		"a month":           {"720h0m0s", true},
		"a day, 300 times":  {"24h0m0s 300", true},
		"almost a day":      {"23h50m0s", false},
		"nothing":           {"", false},
		"negative":          {"-24h0m0s", false},
		"of another writer": {"{}", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, &server.Options{})
			opened, app := open(t, s), newCollector()
			var tries atomic.Int64
			app.answer = func(journal.Entry) receiver.Answer {
				tries.Add(1)
				return receiver.Answer{Status: 500, Err: errors.New("the app answered 500")}
			}
			fill(t, opened, 0, 1, 1)
			stop := copyOf(t, opened, app, quick())
			waitFor(t, "first turn", func() bool { return tries.Load() == 2 })
			stop()
			keepTries(t, raw(t, s), test.kept)
			tries.Store(0)
			defer copyOf(t, opened, app, quick())()
			waitFor(t, "second turn", func() bool { return tries.Load() >= 1 })
			isDead := func() bool { return messages(t, raw(t, s), "DELIVERIES_dead") == 1 }
			if test.dead {
				waitFor(t, "dead letter", isDead)
				return
			}
			<-time.After(300 * time.Millisecond)
			if isDead() {
				t.Error("it is dead")
			}
		})
	}
}

// keepTries replaces the time of trying of the first delivery, which the first turn must have kept.
func keepTries(t *testing.T, js jetstream.JetStream, text string) {
	t.Helper()
	const subject = "tripletex.tries.forward.1.time"
	tries, err := js.Stream(t.Context(), "DELIVERIES_tries")
	if err != nil {
		t.Fatal(err)
	}
	kept, err := tries.GetLastMsgForSubject(t.Context(), subject)
	if err != nil {
		t.Fatal(err)
	}
	spent, attempts, _ := strings.Cut(string(kept.Data), " ")
	if attempts != "2" {
		t.Errorf("%s attempts are kept, want 2", attempts)
	}
	switch d, err := time.ParseDuration(spent); {
	case err != nil:
		t.Error(err)
	case d < time.Second:
		t.Errorf("d = %v, want at least %v", d, time.Second)
	}
	if text == "" {
		return
	}
	if _, err := js.Publish(t.Context(), subject, []byte(text)); err != nil {
		t.Fatal(err)
	}
}
