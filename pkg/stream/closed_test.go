package stream_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/tlxhook/tlxhook/pkg/stream"
)

// closeForGood makes the server close the connection of a stream in a way after which the client does not reconnect.
func closeForGood(t *testing.T, live *server.Server, o server.Options, s *stream.Stream) {
	t.Helper()
	o.MaxPayload = 1 << 10
	if err := live.ReloadOptions(&o); err != nil {
		t.Fatal(err)
	}
	large := delivery("key-large", 1)
	large.Body = bytes.Repeat([]byte("x"), 8<<10)
	if _, err := s.Append(t.Context(), large); err == nil {
		t.Error("stored a message above the limit")
	}
}

func TestPermanentlyClosedConnectionIsReported(t *testing.T) {
	t.Parallel()
	o := server.Options{MaxPayload: 64 << 10}
	live := serve(t, &o)
	s := open(t, live)
	closeForGood(t, live, o, s)
	select {
	case err := <-s.Closed():
		if !errors.Is(err, stream.ErrUnreachable) {
			t.Errorf("%v, want %v", err, stream.ErrUnreachable)
		}
	case <-time.After(time.Minute):
		t.Error("not reported")
	}
}

func TestConsumerEndsWithItsConnection(t *testing.T) {
	t.Parallel()
	o := server.Options{MaxPayload: 64 << 10}
	live := serve(t, &o)
	s := open(t, live)
	consumer := quick()
	consumer.Takes = func(string) bool { return true }
	c, err := s.Consumer(t.Context(), consumer)
	if err != nil {
		t.Fatal(err)
	}
	ended, active := make(chan error, 1), make(chan bool, 1)
	go func() {
		ended <- c.Run(t.Context(), func(ctx context.Context, _ *stream.Backlog) {
			active <- true
			<-ctx.Done()
		})
	}()
	if _, err := s.Append(t.Context(), delivery("key-small", 1)); err != nil {
		t.Fatal(err)
	}
	<-active
	closeForGood(t, live, o, s)
	select {
	case err := <-ended:
		if !errors.Is(err, stream.ErrUnreachable) {
			t.Errorf("%v, want %v", err, stream.ErrUnreachable)
		}
	case <-time.After(time.Minute):
		t.Error("still runs")
	}
}
