package stream_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
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

// store publishes deliveries of an event, one for each object from an ID on.
func store(t testing.TB, js jetstream.JetStream, event string, first, count int) {
	t.Helper()
	for n := first; n < first+count; n++ {
		storeOne(t, js, event, n, int64(n))
	}
	select {
	case <-js.PublishAsyncComplete():
	case <-time.After(2 * time.Minute):
		t.Fatal("the stream does not acknowledge")
	}
}

// refusing returns an app that refuses connections.
func refusing() *collector {
	c := newCollector()
	c.answer = func(journal.Entry) receiver.Answer {
		return receiver.Answer{Status: -1, Err: errors.New("connection refused")}
	}
	return c
}

// narrow makes the consumer of quick with a small window.
func narrow(t testing.TB, js jetstream.JetStream, window int) {
	t.Helper()
	if _, err := js.CreateConsumer(t.Context(), "DELIVERIES", jetstream.ConsumerConfig{
		Durable: "forward", AckPolicy: jetstream.AckExplicitPolicy, AckWait: quick().Takeover, MaxAckPending: window, MaxDeliver: -1,
		PriorityPolicy: jetstream.PriorityPolicyPinned, PriorityGroups: []string{"copies"}, PinnedTTL: quick().Takeover / 2,
	}); err != nil {
		t.Fatal(err)
	}
}

// What waits for a dead or slow app, or about objects that an app refuses, is many times the window. It delays nothing
// else, and is forwarded in the order of each object once the app accepts it, also over another turn.
func TestBacklogBeyondTheWindowDelaysNoOther(t *testing.T) {
	t.Parallel()
	const waiting, healthy, window = 600, 50, 60
	down := receiver.Answer{Status: -1, Err: errors.New("connection refused")}
	for name, test := range map[string]struct {
		events  []string // of what waits
		objects int
		shared  bool // the healthy deliveries have the same app
		answer  receiver.Answer
	}{
		"another app, many objects":    {[]string{"order.update"}, waiting, false, down},
		"another app, one object":      {[]string{"order.update"}, 1, false, down},
		"another app, few objects":     {[]string{"order.create", "order.update"}, 7, false, down},
		"another app that answers 503": {[]string{"order.update"}, waiting, false, receiver.Answer{Status: 503, Err: errors.New("503")}},
		"another app that asks to wait": {
			[]string{"order.update"}, 3, false, receiver.Answer{Status: 429, Err: errors.New("429"), RetryAfter: time.Second},
		},
		"same app, one object":              {[]string{"order.update"}, 1, true, down},
		"same app, many objects and events": {[]string{"order.create", "order.update", "order.delete"}, waiting, true, down},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			live := serve(t, &server.Options{})
			s, js := open(t, live), raw(t, live)
			narrow(t, js, window)
			for n := range waiting {
				storeOne(t, js, test.events[n%len(test.events)], n, int64(n%test.objects))
			}
			storeHealthy := func(first int) {
				for n := first; n < first+healthy; n++ {
					storeOne(t, js, map[bool]string{true: "order.update", false: "invoice.charged"}[test.shared], waiting+n, int64(waiting+n))
				}
			}
			storeHealthy(0)
			var accepts atomic.Bool
			sick, well := newCollector(), newCollector()
			if test.shared {
				well = sick
			}
			sick.answer = func(e journal.Entry) receiver.Answer {
				if e.ObjectID < waiting && !accepts.Load() {
					<-time.After(time.Millisecond)
					return test.answer
				}
				return receiver.Answer{Status: 200}
			}
			routes := []receiver.Route{{Event: "order.*", App: sick}, {Event: "*", App: well}}
			stop := copyWith(t, s, quick(), routes...)
			waitFor(t, "healthy delivery from behind the others", func() bool { return well.count() == healthy })
			storeHealthy(healthy)
			waitFor(t, "healthy delivery that came later", func() bool { return well.count() == 2*healthy })
			stop()
			accepts.Store(true)
			defer copyWith(t, s, quick(), routes...)()
			waitFor(t, "delivery that waited", func() bool {
				return sick.count() == map[bool]int{true: waiting + 2*healthy, false: waiting}[test.shared]
			})
			inOrder(t, sick, waiting, test.objects)
			waitFor(t, "end of what was parked", func() bool { return messages(t, js, "DELIVERIES_parked") == 1 })
		})
	}
}

// storeOne publishes a delivery about an object.
func storeOne(t testing.TB, js jetstream.JetStream, event string, n int, object int64) {
	t.Helper()
	m := nats.NewMsg(stream.Subject(0, event))
	m.Header.Set("Idempotency-Key", fmt.Sprintf("key-%06d", n))
	m.Data = fmt.Appendf(nil, `{"subscriptionId":4711,"event":%q,"id":%d,"value":{"text":"a delivery of the usual size"}}`, event, object)
	if _, err := js.PublishMsgAsync(m, jetstream.WithStallWait(time.Minute)); err != nil {
		t.Fatal(err)
	}
}

// Copies are stopped, lose their connection or their turn at any moment while most deliveries are parked: nothing is lost,
// and every object keeps its order.
func TestParkedDeliveriesSurviveTheEndOfAnyCopy(t *testing.T) {
	t.Parallel()
	const total, objects, window = 1200, 40, 80
	for seed := range 4 {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			t.Parallel()
			live := serve(t, &server.Options{})
			js := raw(t, live)
			filler := open(t, live)
			narrow(t, js, window)
			app := newCollector()
			var accepts atomic.Bool
			app.answer = func(e journal.Entry) receiver.Answer {
				if e.ObjectID%4 != 0 && !accepts.Load() {
					<-time.After(time.Millisecond)
					return receiver.Answer{Status: 503, Err: errors.New("503")}
				}
				return receiver.Answer{Status: 200}
			}
			fill(t, filler, 0, total/2, objects)
			for turn := range 6 {
				s := open(t, live)
				stop := copyOf(t, s, app, quick())
				<-time.After(time.Duration((seed*197+turn*331)%700) * time.Millisecond)
				switch (turn + seed) % 3 {
				case 0: // it ends as it should
				case 1:
					s.Close() // it is gone without a word
				case 2: // the server chooses again
					if deliveries, err := js.Stream(t.Context(), "DELIVERIES"); err == nil {
						_ = deliveries.UnpinConsumer(t.Context(), "forward", "copies")
					}
				}
				fill(t, filler, total/2+turn*total/12, total/2+(turn+1)*total/12, objects)
				defer stop()
				if (turn/2+seed)%2 == 0 {
					stop()
				}
			}
			accepts.Store(true)
			defer copyOf(t, filler, app, quick())()
			waitFor(t, "everything", func() bool { return app.count() == total })
			inOrder(t, app, total, objects)
			waitFor(t, "end of what was parked", func() bool { return messages(t, js, "DELIVERIES_parked") == 1 })
		})
	}
}

// BenchmarkHealthyAppBesideADeadOne measures how long 200 deliveries for a healthy app take beside many for a dead one:
// behind them in the stream at the start, behind them at the next start, and arriving later.
func BenchmarkHealthyAppBesideADeadOne(b *testing.B) {
	for _, waiting := range []int{5_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint("waiting=", waiting), func(b *testing.B) {
			live := serve(b, &server.Options{})
			s, js := open(b, live), raw(b, live)
			const healthy = 200
			store(b, js, "order.update", 0, waiting)
			store(b, js, "invoice.charged", waiting, healthy)
			app, peak := newCollector(), 0.0
			for n, name := range []string{"ms-at-start", "ms-at-next-start"} {
				before, start := memory(), time.Now()
				stop := copyWith(b, s, quick(), receiver.Route{Event: "order.*", App: refusing()}, receiver.Route{Event: "*", App: app})
				arrived(b, app, (2*n+1)*healthy)
				b.ReportMetric(float64(time.Since(start).Milliseconds()), name)
				<-time.After(2 * time.Second)
				start = time.Now()
				store(b, js, "invoice.charged", waiting+(2*n+1)*healthy, healthy)
				arrived(b, app, (2*n+2)*healthy)
				b.ReportMetric(float64(time.Since(start).Milliseconds()), "ms-arriving")
				peak = max(peak, memory()-before)
				stop()
				store(b, js, "invoice.charged", waiting+(2*n+2)*healthy, healthy)
			}
			b.ReportMetric(peak/1e6, "MB")
		})
	}
}

func arrived(b *testing.B, app *collector, count int) {
	b.Helper()
	for start := time.Now(); app.count() < count; <-time.After(time.Millisecond) {
		if time.Since(start) > 5*time.Minute {
			b.Fatalf("%d of %d healthy deliveries arrived within 5 minutes", app.count(), count)
		}
	}
}

// memory returns the bytes of the heap in use.
func memory() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// A copy that has lost its turn without knowing parks nothing: the next turn would not know of it.
func TestLateBatchOfAnEndedTurnIsRefused(t *testing.T) {
	t.Parallel()
	live := serve(t, &server.Options{})
	first, err := open(t, live).Consumer(t.Context(), quick())
	if err != nil {
		t.Fatal(err)
	}
	second, err := open(t, live).Consumer(t.Context(), quick())
	if err != nil {
		t.Fatal(err)
	}
	early, err := first.BeginTurn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Park(t.Context(), early, 1); err != nil {
		t.Error(err)
	}
	late, err := second.BeginTurn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if first.Park(t.Context(), early, 2) == nil {
		t.Error("the ended turn has parked a delivery")
	}
	if err := second.Park(t.Context(), late, 3); err != nil {
		t.Error(err)
	}
	last, err := first.BeginTurn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for turn, want := range map[uint64]int{early: 0, late: 1, last: 2} {
		got, err := second.Parked(t.Context(), turn)
		if err != nil {
			t.Error(err)
		}
		if got != want {
			t.Errorf("%d batches before the message %d, want %d", got, turn, want)
		}
	}
}

// While the stream of parked deliveries is full, forwarding goes on with the window, and parking once there is room.
func TestFullDiskForParkedDeliveriesStopsNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("not a unit test")
	}
	t.Parallel()
	live := serve(t, &server.Options{})
	s, js := open(t, live), raw(t, live)
	narrow(t, js, 40)
	if _, err := js.UpdateStream(t.Context(), jetstream.StreamConfig{
		Name: "DELIVERIES_parked", Subjects: []string{"tripletex.parked.*.*.*"}, MaxMsgsPerSubject: 1, MaxMsgs: 1, Discard: jetstream.DiscardNew,
	}); err != nil {
		t.Fatal(err)
	}
	const total, objects = 200, 50
	fill(t, s, 0, total, objects)
	var refused atomic.Int64
	app := newCollector()
	app.answer = func(journal.Entry) receiver.Answer {
		if refused.Add(1) <= 60 {
			return receiver.Answer{Status: 503, Err: errors.New("503")}
		}
		return receiver.Answer{Status: 200}
	}
	defer copyOf(t, s, app, quick())()
	waitFor(t, "everything", func() bool { return app.count() == total })
	inOrder(t, app, total, objects)
	if n := messages(t, js, "DELIVERIES_parked"); n != 1 {
		t.Errorf("%d messages are in the stream of parked deliveries", n)
	}
}

// A login that may not park ends the forwarder with its cause, instead of a forwarder that never begins.
func TestLoginThatMayNotParkIsRefused(t *testing.T) {
	if testing.Short() {
		t.Skip("not a unit test")
	}
	t.Parallel()
	live := serve(t, &server.Options{Users: []*server.User{{Username: "u", Password: "p", Permissions: &server.Permissions{
		Publish: &server.SubjectPermission{Deny: []string{"tripletex.parked.>"}},
	}}}})
	s, err := stream.Open(t.Context(), stream.Login{Servers: live.ClientURL(), User: "u", Password: "p"}, "DELIVERIES", 0, usual())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fill(t, s, 0, 1, 1)
	o := quick()
	o.Takes = func(string) bool { return true }
	c, err := s.Consumer(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := c.Run(ctx, func(ctx context.Context, _ *stream.Backlog) { <-ctx.Done() }); !errors.Is(err, stream.ErrRefused) {
		t.Errorf("%v, want %v", err, stream.ErrRefused)
	}
}
