package listen_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/listen"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/secret"
)

// A listener whose app turns out to be itself ends with the reason, and the delivery keeps waiting.
func TestListenerThatForwardsToItselfThroughAProxyEnds(t *testing.T) {
	t.Parallel()
	for name, until := range map[string]int{"without end": 0, "until one is accepted": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := &url.URL{Scheme: "http"}
			proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }})
			t.Cleanup(proxy.Close)
			app, err := receiver.NewTarget(proxy.URL, receiver.TargetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			folder := t.TempDir()
			stored, err := journal.Open(folder, journal.Options{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = stored.Append(t.Context(), journal.Delivery{Key: "k", Received: time.Now(), Event: "order.update", Body: []byte("{}")})
			if err = errors.Join(err, stored.Close()); err != nil {
				t.Fatal(err)
			}
			l := listen.New(listen.Options{
				Common: listen.Common{
					Routes: []receiver.Route{{Event: "*", App: app}}, Until: until, Lookup: func(string) (string, bool) { return "", false },
					Report: func(e receiver.DeliveryEvent) {
						if e.Kind != receiver.KindRejected {
							t.Errorf("reported %s", e.Kind)
						}
					}, Note: func(string, ...any) {},
				},
				Address: "127.0.0.1:0", Path: "/", MaxConns: 8, Secrets: []secret.Text{testSecret}, Journal: listen.Journal{Folder: folder},
			})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := l.Open(ctx); err != nil {
				t.Fatal(err)
			}
			target.Host = l.Address()
			err = l.Run(ctx)
			if !errors.Is(err, receiver.ErrLoop) {
				t.Errorf("it ended with %v, want %v", err, receiver.ErrLoop)
			}
			if !strings.Contains(fmt.Sprint(err), proxy.URL) {
				t.Errorf("it ended with %v, want it to name %s", err, proxy.URL)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			j, err := journal.Attach(folder)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = j.Close() }()
			e, err := j.Get(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			if e.State != journal.Pending {
				t.Errorf("e.State = %s, want %s", e.State, journal.Pending)
			}
			if e.Attempts != 0 {
				t.Errorf("%d attempts, want 0", e.Attempts)
			}
		})
	}
}
