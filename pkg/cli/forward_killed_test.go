//go:build unix

package cli_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/stream"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// A forwarder is killed while it parks refused deliveries: at the start of its turn, after it stores a batch, and between
// the acknowledgments of the batch. No delivery is lost, and every object keeps its order.
func TestForwarderKilledWhileItParksLosesNothing(t *testing.T) {
	long(t)
	t.Parallel()
	const total, objects, window = 600, 40, 40
	const parked, acknowledged = "tripletex.parked.>", "$JS.ACK.tripletex.forward.>"
	live := serveNATS(t)
	conn, err := nats.Connect(live.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	about := fillStream(t, live.ClientURL(), total, objects)
	narrowConsumer(t, conn, window)
	app, accepts := &arrived{seen: map[string]bool{}}, atomic.Bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if about[r.Header.Get(webhook.KeyHeader)]%4 != 0 && !accepts.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		app.ServeHTTP(w, r)
	}))
	defer server.Close()
	start := func() *running {
		return startProcess(t, "this copy forwards now", "tlxhook", "forward", "--from", live.ClientURL(), "--forward-to", server.URL)
	}
	for _, at := range []struct {
		subject string
		message int // from the start of the process
	}{{parked, 2}, {acknowledged, 12}, {parked, 1}, {acknowledged, 40}, {parked, 5}} {
		messages, err := conn.SubscribeSync(at.subject)
		if err != nil {
			t.Fatal(err)
		}
		killed := start()
		for n := range at.message {
			if _, err := messages.NextMsg(time.Minute); err != nil {
				t.Fatalf("message %d to %s: %v", n+1, at.subject, err)
			}
		}
		killed.kill()
		if err := messages.Unsubscribe(); err != nil {
			t.Error(err)
		}
	}
	accepts.Store(true)
	start()
	app.await(t, total)
	app.mu.Lock()
	defer app.mu.Unlock()
	for object, got := range byObject(app.keys, about) {
		if !slices.IsSorted(got) {
			t.Errorf("object %d came as %v", object, got)
		}
	}
	t.Logf("%d came twice to the app", len(app.keys)-len(app.seen))
}

// fillStream stores deliveries of some objects by turns, and returns the object of each key.
func fillStream(t *testing.T, url string, total, objects int) map[string]int64 {
	t.Helper()
	s, err := stream.Open(t.Context(), stream.Login{Servers: url}, "tripletex", 0,
		&stream.Config{Replicas: 1, Window: time.Hour, Retention: 2 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	about := map[string]int64{}
	for n := range total {
		key, object := fmt.Sprintf("key-%06d", n), int64(n%objects)
		about[key] = object
		d := journal.Delivery{Key: key, Received: time.Now(), Event: "order.update", ObjectID: object}
		d.Body = []byte(strings.ReplaceAll(`{"event":"order.update","id":N,"value":null}`, "N", strconv.FormatInt(object, 10)))
		if _, err := s.Append(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	return about
}

// narrowConsumer makes the consumer of forward with a small window and a short takeover time.
func narrowConsumer(t *testing.T, conn *nats.Conn, window int) {
	t.Helper()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	const takeover = 4 * time.Second
	if _, err := js.CreateConsumer(t.Context(), "tripletex", jetstream.ConsumerConfig{
		Durable: "forward", AckPolicy: jetstream.AckExplicitPolicy, AckWait: takeover, MaxAckPending: window, MaxDeliver: -1,
		PriorityPolicy: jetstream.PriorityPolicyPinned, PriorityGroups: []string{"copies"}, PinnedTTL: takeover / 2,
	}); err != nil {
		t.Fatal(err)
	}
}
