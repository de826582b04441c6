package listen_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/listen"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/stream"
)

// serveNATS starts a NATS server with JetStream.
func serveNATS(t *testing.T) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
	})
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

func streamOf(s *server.Server) listen.Stream {
	return listen.Stream{
		Login: stream.Login{Servers: s.ClientURL()}, Name: "tripletex",
		Config: &stream.Config{Replicas: 1, Window: 36 * time.Hour, Retention: 48 * time.Hour},
	}
}

// accepting is an app that accepts everything.
type accepting struct{}

func (accepting) String() string { return "accepting" }

func (accepting) Forward(context.Context, journal.Entry, bool) receiver.Answer {
	return receiver.Answer{Status: 200}
}

// disconnected waits until the server has no more than so many clients: a dial that was canceled ends later.
func disconnected(t *testing.T, s *server.Server, clients int) {
	t.Helper()
	for start := time.Now(); s.NumClients() > clients; <-time.After(time.Millisecond) {
		if time.Since(start) > 10*time.Second {
			t.Fatalf("%d clients, want %d", s.NumClients(), clients)
		}
	}
}

// A listener that publishes is stopped at any step as one with a journal is.
func TestPublishingIsStoppedAtEachStep(t *testing.T) {
	t.Parallel()
	live := serveNATS(t)
	stoppedAtEachStep(t, 10, func(t *testing.T, s *steps, cancel context.CancelFunc) {
		w, address := newWorld(t, s), ""
		o := w.options(&address, cancel)
		to := streamOf(live)
		o.Stream = &to
		if err := w.run(s, o); err != nil {
			t.Error(err)
		}
		disconnected(t, live, 0)
		w.clean()
	})
}

// A forwarder that is stopped at any step has succeeded if it forwarded what it waits for, and is unmet otherwise.
func TestForwarderIsStoppedAtEachStep(t *testing.T) {
	t.Parallel()
	live := serveNATS(t)
	from := streamOf(live)
	filled, err := stream.Open(t.Context(), from.Login, from.Name, 0, from.Config)
	if err != nil {
		t.Fatal(err)
	}
	defer filled.Close()
	body := []byte(`{"subscriptionId":4711,"event":"order.update","id":1001,"value":null}`)
	one := journal.Delivery{
		Key: "key-1", Received: time.Now(), Event: "order.update", SubscriptionID: 4711, ObjectID: 1001, Body: body,
	}
	if _, err := filled.Append(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	stoppedAtEachStep(t, 10, func(t *testing.T, s *steps, _ context.CancelFunc) {
		w, address := newWorld(t, s), ""
		common := w.options(&address, func() {}).Common
		common.Until, common.Routes = 1, []receiver.Route{{Event: "*", App: accepting{}}}
		f := listen.NewForwarder(listen.ForwardOptions{
			Common: common, Stream: from, Durable: fmt.Sprintf("durable-%d", s.n), Takeover: 30 * time.Second,
		})
		err := f.Open(s)
		if err == nil {
			err = f.Run(s)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		_, unmet := errors.AsType[*listen.UnmetError](err)
		forwarded := w.events.count(receiver.KindForwarded) > 0
		if forwarded && err != nil {
			t.Errorf("forwarded, and %v", err)
		}
		if !forwarded && !unmet {
			t.Errorf("not forwarded, and %v", err)
		}
		disconnected(t, live, 1)
	})
}
