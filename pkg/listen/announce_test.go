package listen_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/listen"
	"github.com/tlxhook/tlxhook/pkg/receiver"
)

// At its start a listener states where it receives, where deliveries are stored and forwarded, and how to stop it.
func TestListenerAnnouncesWhatItDoes(t *testing.T) {
	t.Parallel()
	order := []receiver.Route{{Event: "order.*", App: accepting{}, Parallel: 3}}
	for name, test := range map[string]struct {
		change  func(*testing.T, *listen.Options)
		pending int
		want    []string
	}{
		"no app": {func(*testing.T, *listen.Options) {}, 0, []string{"storing in FOLDER, not forwarding: no app is configured"}},
		"an app": {
			func(_ *testing.T, o *listen.Options) { o.Routes = order },
			0,
			[]string{"storing in FOLDER", "forwarding order.* to accepting, 3 at once"},
		},
		"two apps": {
			func(_ *testing.T, o *listen.Options) {
				o.Routes = append(o.Routes, order[0], receiver.Route{Event: "*", App: accepting{}, Parallel: 8})
			},
			0,
			[]string{"storing in FOLDER", "forwarding order.* to accepting, 3 at once", "forwarding * to accepting, 8 at once"},
		},
		"a path": {func(_ *testing.T, o *listen.Options) { o.Path = "/hook" }, 0, []string{"listening on http://ADDRESS/hook"}},
		"pending deliveries": {
			func(_ *testing.T, o *listen.Options) { o.Routes = order },
			3,
			[]string{"3 stored deliveries pending; list with LIST"},
		},
		"a stream": {
			func(t *testing.T, o *listen.Options) {
				to := streamOf(serveNATS(t))
				o.Stream = &to
			},
			0,
			[]string{"publishing to the stream tripletex"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, address := newWorld(t, &steps{Context: t.Context()}), ""
			storePending(t, w.journal, test.pending)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var mu sync.Mutex
			var said []string
			o := w.options(&address, func() {})
			o.ListPending = "LIST"
			o.Note = func(format string, args ...any) {
				mu.Lock()
				defer mu.Unlock()
				said = append(said, fmt.Sprintf(format, args...))
				if strings.HasPrefix(format, "Ready") {
					cancel()
				}
			}
			test.change(t, &o)
			if err := w.run(ctx, o); err != nil {
				t.Fatal(err)
			}
			for _, want := range append(test.want, "listening on http://127.0.0.1:", "Ready. Press Ctrl-C to quit.") {
				want = strings.ReplaceAll(want, "FOLDER", w.journal)
				before, after, _ := strings.Cut(want, "ADDRESS")
				if text := strings.Join(said, "\n"); !strings.Contains(text, before) || !strings.Contains(text, after) {
					t.Errorf("%q is missing in\n%s", want, text)
				}
			}
		})
	}
}

// storePending stores deliveries in the journal of a folder.
func storePending(t *testing.T, folder string, count int) {
	t.Helper()
	j, err := journal.Open(folder, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range count {
		if _, err := j.Append(t.Context(), journal.Delivery{Key: strconv.Itoa(n), Event: "invoice.charged", Body: []byte("{}")}); err != nil {
			t.Error(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}
