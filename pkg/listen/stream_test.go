package listen_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/listen"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/stream"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// serveNATS starts a NATS server with JetStream.
func serveNATS(t *testing.T) *server.Server {
	t.Helper()
	return serveNATSWith(t, &server.Options{})
}

func serveNATSWith(t *testing.T, o *server.Options) *server.Server {
	t.Helper()
	o.Host, o.Port, o.JetStream, o.StoreDir, o.NoSigs, o.NoLog = "127.0.0.1", server.RANDOM_PORT, true, t.TempDir(), true, true
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

// A body that NATS does not take is answered with 413 at once, and the limits are compared at the start.
func TestBodiesAboveTheLimitOfNATSAreRejected(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		maxBody int64
		size    int
		want    int
		warned  bool
	}{
		"above both":           {1 << 20, 2 << 20, 413, true},
		"above NATS":           {1 << 20, 80 << 10, 413, true},
		"with headers":         {1 << 16, 1<<16 - 150, 413, false},
		"below both":           {1 << 20, 32 << 10, 200, true},
		"below a smaller flag": {1 << 15, 16 << 10, 200, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			live := serveNATSWith(t, &server.Options{MaxPayload: 1 << 16})
			var notes sync.Map
			to := streamOf(live)
			l := listen.New(listen.Options{
				Common: listen.Common{
					Lookup: func(string) (string, bool) { return "", false }, Report: func(receiver.DeliveryEvent) {},
					Note: func(format string, args ...any) { notes.Store(fmt.Sprintf(format, args...), true) },
				},
				Address: "127.0.0.1:0", Path: "/", MaxBody: test.maxBody, MaxConns: 8, Secrets: []secret.Text{testSecret}, Stream: &to,
			})
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			if err := l.Open(ctx); err != nil {
				t.Fatal(err)
			}
			go func() { ended <- l.Run(ctx) }()
			if got := postSized(t, "http://"+l.Address()+"/", test.size); got != test.want {
				t.Errorf("answered %d, want %d", got, test.want)
			}
			warned := false
			notes.Range(func(key, _ any) bool {
				warned = warned || strings.Contains(fmt.Sprint(key), "NATS accepts messages of at most 65536 bytes")
				return true
			})
			if warned != test.warned {
				t.Errorf("warned %v, want %v", warned, test.warned)
			}
			cancel()
			if err := errors.Join(<-ended, l.Close()); err != nil {
				t.Error(err)
			}
		})
	}
}

// postSized sends a signed delivery with a body of a size, and returns the status of the answer.
func postSized(t *testing.T, address string, size int) int {
	t.Helper()
	const head, tail = `{"subscriptionId":1,"event":"order.update","id":1,"value":"`, `"}`
	body := head + strings.Repeat("x", size-len(head)-len(tail)) + tail
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set(webhook.KeyHeader, "k")
	request.Header.Set(webhook.SignatureHeader, webhook.Sign(testSecret.Reveal(), "k", []byte(body)))
	start := time.Now()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return http.StatusRequestEntityTooLarge // the connection is closed before the body was sent
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("it took %s", took)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// A connection that a server has closed permanently cannot store anything: another process must replace the listener.
func TestListenerEndsWithItsConnectionToNATS(t *testing.T) {
	t.Parallel()
	o := server.Options{MaxPayload: 1 << 16}
	live := serveNATSWith(t, &o)
	to := streamOf(live)
	l := listen.New(listen.Options{
		Common: listen.Common{
			Lookup: func(string) (string, bool) { return "", false }, Report: func(receiver.DeliveryEvent) {}, Note: func(string, ...any) {},
		},
		Address: "127.0.0.1:0", Path: "/", MaxBody: 1 << 16, MaxConns: 8, Secrets: []secret.Text{testSecret}, Stream: &to,
	})
	if err := l.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- l.Run(t.Context()) }()
	lowered := o
	lowered.MaxPayload = 1 << 10
	if err := live.ReloadOptions(&lowered); err != nil {
		t.Fatal(err)
	}
	if got := postSized(t, "http://"+l.Address()+"/", 8<<10); got != http.StatusServiceUnavailable {
		t.Errorf("answered %d, want 503", got)
	}
	select {
	case err := <-ended:
		if !errors.Is(err, stream.ErrUnreachable) {
			t.Errorf("%v, want %v", err, stream.ErrUnreachable)
		}
	case <-time.After(time.Minute):
		t.Fatal("still runs")
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
