package stream_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/stream"
)

// serve starts a real server with JetStream in a folder of the test.
func serve(t testing.TB, o *server.Options) *server.Server {
	t.Helper()
	o.Host, o.JetStream, o.StoreDir, o.NoSigs, o.NoLog = "127.0.0.1", true, t.TempDir(), true, true
	if o.Port == 0 {
		o.Port = server.RANDOM_PORT
	}
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server does not start")
	}
	return s
}

// open connects to a server and makes the stream DELIVERIES.
func open(t testing.TB, s *server.Server) *stream.Stream {
	t.Helper()
	opened, err := stream.Open(context.Background(), stream.Login{Servers: s.ClientURL()}, "DELIVERIES", 0, usual())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(opened.Close)
	return opened
}

func usual() *stream.Config {
	return &stream.Config{Replicas: 1, Window: time.Hour, Retention: 2 * time.Hour}
}

// raw connects as a stranger would.
func raw(t testing.TB, s *server.Server) jetstream.JetStream {
	t.Helper()
	conn, err := nats.Connect(s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func delivery(key string, object int64) journal.Delivery {
	return journal.Delivery{
		Key: key, Event: "order.update", SubscriptionID: 4711, ObjectID: object, Received: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		ContentType: "application/json; charset=UTF-8", Signature: "c2ln",
		Body: fmt.Appendf(nil, `{"subscriptionId":4711,"event":"order.update","id":%d,"value":{"key":%q}}`, object, key),
	}
}

func messages(t *testing.T, js jetstream.JetStream, name string) uint64 {
	t.Helper()
	s, err := js.Stream(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return s.CachedInfo().State.Msgs
}

// A key that comes again with the same body is known; with another body it is stored too, once.
func TestStreamReportsItsContent(t *testing.T) {
	t.Parallel()
	live := serve(t, &server.Options{})
	s := open(t, live)
	altered := delivery("key-1", 1)
	altered.Body = []byte(`{"subscriptionId":4711,"event":"order.update","id":1,"value":{"other":true}}`)
	for i, test := range []struct {
		d    journal.Delivery
		want journal.Stored
	}{
		{delivery("key-1", 1), journal.Stored{ID: 1}},
		{delivery("key-1", 1), journal.Stored{ID: 1, Duplicate: true}},
		{altered, journal.Stored{ID: 2, Altered: true}},
		{altered, journal.Stored{ID: 2, Duplicate: true}},
		{delivery("key-1", 1), journal.Stored{ID: 1, Duplicate: true}},
		{delivery("key-2", 1), journal.Stored{ID: 3}},
	} {
		got, err := s.Append(t.Context(), test.d)
		switch {
		case err != nil:
			t.Errorf("%d: %v", i, err)
		case got != test.want:
			t.Errorf("%d: got = %v, want %v", i, got, test.want)
		}
	}
	if n := messages(t, raw(t, live), "DELIVERIES"); n != 3 {
		t.Errorf("%d are stored", n)
	}
}

// A delivery with the key of a deleted one is stored, once: its body may be another.
func TestDeliveryWithTheKeyOfADeletedOneIsStored(t *testing.T) {
	t.Parallel()
	live := serve(t, &server.Options{})
	s := open(t, live)
	if _, err := s.Append(t.Context(), delivery("key-1", 1)); err != nil {
		t.Fatal(err)
	}
	purged, err := raw(t, live).Stream(t.Context(), "DELIVERIES")
	if err != nil {
		t.Fatal(err)
	}
	if err := purged.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	altered := delivery("key-1", 1)
	altered.Body = []byte(`{"subscriptionId":4711,"event":"order.update","id":1,"value":{"other":true}}`)
	for i, want := range []journal.Stored{{ID: 2, Altered: true}, {ID: 2, Duplicate: true}} {
		got, err := s.Append(t.Context(), altered)
		switch {
		case err != nil:
			t.Errorf("%d: %v", i, err)
		case got != want:
			t.Errorf("%d: got = %v, want %v", i, got, want)
		}
	}
}

// A stream that is there is judged and never changed: one that could lose what it acknowledged is refused.
func TestUnfitStreamIsRefusedAndLeft(t *testing.T) {
	t.Parallel()
	subjects := []string{"tripletex.*.*.*"}
	for name, config := range map[string]jetstream.StreamConfig{
		"memory":    {Subjects: subjects, Storage: jetstream.MemoryStorage},
		"old":       {Subjects: subjects, MaxMsgs: 10},
		"bytes":     {Subjects: subjects, MaxBytes: 1 << 20},
		"last":      {Subjects: subjects, MaxMsgsPerSubject: 1},
		"queue":     {Subjects: subjects, Retention: jetstream.WorkQueuePolicy},
		"interest":  {Subjects: subjects, Retention: jetstream.InterestPolicy},
		"noack":     {Subjects: subjects, NoAck: true},
		"elsewhere": {Subjects: []string{"other.>"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			live := serve(t, &server.Options{}) // one per stream: two streams of a server cannot share subjects
			config.Name = name
			before, err := raw(t, live).CreateStream(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			_, err = stream.Open(t.Context(), stream.Login{Servers: live.ClientURL()}, name, 0, usual())
			if !errors.Is(err, stream.ErrUnfit) {
				t.Error(err)
			}
			after, err := before.Info(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before.CachedInfo().Config, after.Config); diff != "" {
				t.Errorf("it was changed: %s", diff)
			}
		})
	}
	live := serve(t, &server.Options{})
	if _, err := stream.Open(t.Context(), stream.Login{Servers: live.ClientURL()}, "absent", 0, nil); !errors.Is(err, stream.ErrAbsent) {
		t.Errorf("%v", err)
	}
}

// Replicas that a single server cannot have are said at once, and not waited for.
func TestReplicasNeedServers(t *testing.T) {
	t.Parallel()
	live := serve(t, &server.Options{})
	config := usual()
	config.Replicas = 3
	if _, err := stream.Open(t.Context(), stream.Login{Servers: live.ClientURL()}, "R", 0, config); !errors.Is(err, stream.ErrUnfit) {
		t.Errorf("%v", err)
	}
}

// Memory is accepted where it is said on purpose, and only then.
func TestMemoryOnPurpose(t *testing.T) {
	t.Parallel()
	live := serve(t, &server.Options{})
	_, err := raw(t, live).CreateStream(t.Context(),
		jetstream.StreamConfig{Name: "M", Subjects: []string{"tripletex.*.*.*"}, Storage: jetstream.MemoryStorage})
	if err != nil {
		t.Fatal(err)
	}
	config := usual()
	config.AllowMemory = true
	s, err := stream.Open(t.Context(), stream.Login{Servers: live.ClientURL()}, "M", 0, config)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}

// The receiver creates the streams of forwarders too, as a cluster without one of its servers creates none.
func TestReceiverCreatesTheStreamsOfForwarders(t *testing.T) {
	t.Parallel()
	live := serve(t, &server.Options{})
	open(t, live)
	js := raw(t, live)
	for _, name := range []string{"DELIVERIES", "DELIVERIES_dead", "DELIVERIES_tries", "DELIVERIES_parked"} {
		if _, err := js.Stream(t.Context(), name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is made here is in files, knows repeats, and refuses new deliveries rather than delete old ones.
func TestMadeStreamKeepsWhatItAcknowledges(t *testing.T) {
	t.Parallel()
	live := serve(t, &server.Options{})
	open(t, live)
	made, err := raw(t, live).Stream(t.Context(), "DELIVERIES")
	if err != nil {
		t.Fatal(err)
	}
	c := made.CachedInfo().Config
	if c.Storage != jetstream.FileStorage {
		t.Errorf("c.Storage = %v, want %v", c.Storage, jetstream.FileStorage)
	}
	if c.Discard != jetstream.DiscardNew {
		t.Errorf("c.Discard = %v, want %v", c.Discard, jetstream.DiscardNew)
	}
	if c.Duplicates != time.Hour {
		t.Errorf("c.Duplicates = %v, want %v", c.Duplicates, time.Hour)
	}
	if c.MaxAge != 2*time.Hour {
		t.Errorf("c.MaxAge = %v, want %v", c.MaxAge, 2*time.Hour)
	}
	if c.Retention != jetstream.LimitsPolicy {
		t.Errorf("c.Retention = %v, want %v", c.Retention, jetstream.LimitsPolicy)
	}
}

// While no server answers, nothing is told to be stored.
func TestNothingIsAcknowledgedWithoutAServer(t *testing.T) {
	if testing.Short() {
		t.Skip("not a unit test")
	}
	t.Parallel()
	live := serve(t, &server.Options{})
	s := open(t, live)
	switch _, err := s.Append(t.Context(), delivery("key-1", 1)); {
	case err != nil:
		t.Fatal(err)
	case s.Healthy() != nil:
		t.Fatal(err)
	}
	live.Shutdown()
	live.WaitForShutdown()
	switch got, err := s.Append(t.Context(), delivery("key-2", 1)); {
	case !errors.Is(err, stream.ErrUnreachable):
		t.Errorf("err = %v, want %v", err, stream.ErrUnreachable)
	case s.Healthy() == nil:
		t.Errorf("%+v, %v", got, err)
	}
}
