package listen_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/listen"
	"github.com/tlxhook/tlxhook/pkg/receiver"
)

// A failure is an error unless the process was stopped.
func TestOccupiedAddressIsAFailure(t *testing.T) {
	t.Parallel()
	occupied, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = occupied.Close() }()
	w, address := newWorld(t, &steps{Context: t.Context()}), ""
	o := w.options(&address, func() {})
	o.Address = occupied.Addr().String()
	if err := w.run(t.Context(), o); err == nil {
		t.Error("no error")
	} else if _, ok := errors.AsType[*listen.SocketError](err); !ok {
		t.Errorf("%T: %v", err, err)
	}
	w.clean()
	o.Address, o.MetricsAddress = "127.0.0.1:0", occupied.Addr().String()
	w.journal = filepath.Join(t.TempDir(), "other")
	o.Journal.Folder = w.journal
	if err := w.run(t.Context(), o); !errors.Is(err, listen.ErrMetrics) {
		t.Errorf("%T: %v", err, err)
	}
	w.clean()
}

// A public URL that does not lead here is a failure when the time is over, and nothing is subscribed.
func TestUnreachableURLIsAFailure(t *testing.T) {
	if testing.Short() {
		t.Skip("not a unit test")
	}
	t.Parallel()
	w, address := newWorld(t, &steps{Context: t.Context()}), ""
	elsewhere := httptest.NewServer(http.NotFoundHandler())
	defer elsewhere.Close()
	o := w.options(&address, func() {})
	o.Subscribe = &listen.Subscribe{PublicURL: elsewhere.URL, ProbeInterval: time.Minute, Login: w.logIn, Lock: unlocked}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := w.run(ctx, o); !errors.Is(err, receiver.ErrUnreachable) {
		t.Error(err)
	}
	w.clean()
}
