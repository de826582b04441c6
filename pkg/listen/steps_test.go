package listen_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/listen"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

const (
	testSecret = secret.Text("a-secret-of-the-test")
	// mostUses bounds a run in which nothing happens at its last use.
	mostUses = 1000
)

// steps is a context that calls act at its n-th use: of its methods, of a callback of the process, or before and
// after a request to Tripletex. So each n is another step of a run.
type steps struct {
	context.Context
	n    int64
	used atomic.Int64
	act  func()
}

func (s *steps) use() {
	if s.used.Add(1) == s.n {
		s.act()
	}
}

func (s *steps) Done() <-chan struct{} {
	s.use()
	return s.Context.Done()
}

func (s *steps) Err() error {
	s.use()
	return s.Context.Err()
}

func (s *steps) Value(key any) any {
	s.use()
	return s.Context.Value(key)
}

// stoppedAtEachStep calls run with a context that is canceled at its n-th use, for n = 1, 2, 3 and so on until a run
// uses it less often.
func stoppedAtEachStep(t *testing.T, least int64, run func(*testing.T, *steps, context.CancelFunc)) {
	t.Helper()
	for n := int64(1); n < mostUses; n++ {
		ctx, cancel := context.WithCancel(context.Background())
		s := &steps{Context: ctx, n: n, act: cancel}
		run(t, s, cancel)
		cancel()
		if t.Failed() {
			t.Fatalf("stopped at use %d", n)
		}
		if s.used.Load() < n {
			if n < least {
				t.Errorf("a run has %d steps, less than %d", n-1, least)
			}
			return
		}
	}
	t.Error("runs do not end by themselves")
}

// world is what a listener needs around it.
type world struct {
	t       *testing.T
	steps   *steps
	sandbox http.RoundTripper
	journal string
	front   *front // nil without subscriptions
	events  events
}

// events remembers what a process reported.
type events struct {
	mu  sync.Mutex
	all []receiver.DeliveryEvent
}

func (e *events) add(one receiver.DeliveryEvent) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, one)
}

func (e *events) count(kind receiver.Kind) (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, one := range e.all {
		if one.Kind == kind {
			n++
		}
	}
	return n
}

// front is a public URL that leads to the listener of the moment.
type front struct {
	*httptest.Server
	to atomic.Pointer[url.URL]
}

func newFront(t *testing.T) *front {
	t.Helper()
	f := &front{}
	proxy := &httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(f.to.Load()) },
		ErrorLog: log.New(io.Discard, "", 0),
	}
	f.Server = httptest.NewServer(proxy)
	t.Cleanup(f.Close)
	return f
}

// RoundTrip counts a request to Tripletex as two steps.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	w.steps.use()
	defer w.steps.use()
	return w.sandbox.RoundTrip(r)
}

func (w *world) client(transport http.RoundTripper) *tripletex.Client {
	w.t.Helper()
	credentials := tripletex.Credentials{ConsumerToken: sandbox.ConsumerToken, EmployeeToken: sandbox.EmployeeToken}
	client, err := tripletex.New(tripletex.Options{
		BaseURL: "http://localhost:4711/v2", Credentials: credentials.Get, Transport: transport,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return client
}

// options returns options whose callbacks are steps. Ready is called once the process is ready, address gets its URL.
func (w *world) options(address *string, ready func()) listen.Options {
	o := listen.Options{
		Common: listen.Common{
			Report: func(e receiver.DeliveryEvent) {
				w.steps.use()
				w.events.add(e)
			},
			Lookup: func(name string) (string, bool) {
				if w.steps.use(); name == "NOTIFY_SOCKET" && w.steps.Context.Err() == nil {
					ready() // asked for by ready, and then by drain
				}
				return "", false
			},
			Note: func(format string, args ...any) {
				if w.steps.use(); strings.HasPrefix(format, "listening on") {
					*address = args[0].(string)
					w.pointFront(*address)
				}
			},
		},
		Address: "127.0.0.1:0", Path: "/", MaxBody: 1 << 20, MaxConns: 16, Secrets: []secret.Text{testSecret},
		Journal: listen.Journal{Folder: w.journal, Retention: time.Hour},
	}
	if w.front != nil {
		o.Subscribe = &listen.Subscribe{PublicURL: w.front.URL + "/", ProbeInterval: time.Minute, Login: w.logIn, Lock: unlocked}
	}
	return o
}

func (w *world) pointFront(address string) {
	if w.front == nil {
		return
	}
	u, err := url.Parse(address)
	if err != nil {
		w.t.Error(err)
		return
	}
	w.front.to.Store(u)
}

func (w *world) logIn(ctx context.Context) (*tripletex.Client, []string, error) {
	w.steps.use()
	return w.client(w), []string{"order.create", "order.update"}, ctx.Err()
}

// run opens, runs and closes a listener, and checks that nothing accepts connections afterwards.
func (w *world) run(ctx context.Context, o listen.Options) error {
	w.t.Helper()
	l := listen.New(o)
	err := l.Open(ctx)
	address := l.Address()
	if err == nil {
		err = l.Run(ctx)
	}
	err = errors.Join(err, l.Close())
	if conn, dialErr := (&net.Dialer{}).DialContext(context.Background(), "tcp", address); dialErr == nil {
		_ = conn.Close()
		w.t.Errorf("%s is still open", address)
	}
	return err
}

// clean checks that nothing is left of a run: no subscription, no locked journal, no note.
func (w *world) clean() *journal.Journal {
	w.t.Helper()
	for s, err := range w.client(w.sandbox).Subscriptions(context.Background(), "") {
		if err != nil {
			w.t.Fatal(err)
		}
		w.t.Errorf("subscription %d is left", s.ID)
	}
	j, err := journal.Open(w.journal, journal.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = j.Close() })
	switch note, err := j.Noted(context.Background(), "subscribed"); {
	case note != "":
		w.t.Errorf("note = %q, want %q", note, "")
	case err != nil:
		w.t.Error(err)
	}
	return j
}

func newWorld(t *testing.T, s *steps) *world {
	t.Helper()
	return &world{
		t: t, steps: s, sandbox: sandbox.New(sandbox.NewMemory(sandbox.DefaultOptions())), journal: filepath.Join(t.TempDir(), "journal"),
	}
}

// send sends one signed delivery and returns the status; 0 without an answer.
func send(address, key string) int {
	const body = `{"subscriptionId":4711,"event":"order.update","id":1001,"value":null}`
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return 0
	}
	request.Header.Set(webhook.KeyHeader, key)
	request.Header.Set(webhook.SignatureHeader, webhook.Sign(testSecret.Reveal(), key, []byte(body)))
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// A listener that is stopped at any step has succeeded, and leaves nothing behind.
func TestListenerIsStoppedAtEachStep(t *testing.T) {
	t.Parallel()
	stoppedAtEachStep(t, 10, func(t *testing.T, s *steps, cancel context.CancelFunc) {
		w, address := newWorld(t, s), ""
		if err := w.run(s, w.options(&address, cancel)); err != nil {
			t.Error(err)
		}
		w.clean()
	})
}

// So has one that subscribes: its subscriptions are deleted.
func TestSubscribingIsStoppedAtEachStep(t *testing.T) {
	t.Parallel()
	front := newFront(t)
	stoppedAtEachStep(t, 20, func(t *testing.T, s *steps, cancel context.CancelFunc) {
		w, address := newWorld(t, s), ""
		w.front = front
		if err := w.run(s, w.options(&address, cancel)); err != nil {
			t.Error(err)
		}
		w.clean()
	})
}

// One that waits for a delivery has succeeded if the delivery came, and is unmet otherwise. What was acknowledged is
// stored.
func TestWaitingIsStoppedAtEachStep(t *testing.T) {
	t.Parallel()
	stoppedAtEachStep(t, 10, func(t *testing.T, s *steps, _ context.CancelFunc) {
		w, address := newWorld(t, s), ""
		sent := make(chan int, 1)
		o := w.options(&address, func() { go func() { sent <- send(address, "key-1") }() })
		o.Until = 1
		err := w.run(s, o)
		unmet, isUnmet := errors.AsType[*listen.UnmetError](err)
		switch got := w.events.count(receiver.KindReceived); {
		case got == 1 && err != nil:
			t.Errorf("received, and %v", err)
		case got == 0 && !isUnmet:
			t.Errorf("not received, and %v", err)
		case got == 0 && unmet.Wanted != 1:
			t.Errorf("unmet: %+v", unmet)
		}
		j := w.clean()
		if len(sent) == 0 {
			return
		}
		stats, err := j.Stats(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if <-sent == http.StatusOK && stats.Waiting != 1 {
			t.Errorf("acknowledged, and %d stored", stats.Waiting)
		}
	})
}

// A delivery that is waited for may come at any step after receiving has begun.
func TestUntilIsMetAtEachStep(t *testing.T) {
	t.Parallel()
	front := newFront(t)
	for n := int64(1); n < mostUses; n++ {
		s := &steps{Context: context.Background(), n: n}
		w, address, status := newWorld(t, s), "", 0
		w.front = front
		s.act = func() { status = send(address, "key-1") }
		var late sync.Once
		o := w.options(&address, func() { late.Do(func() { go send(address, "key-2") }) })
		note := o.Note
		o.Note = func(format string, args ...any) {
			if note(format, args...); strings.HasPrefix(format, "listening on") {
				s.used.Store(0) // from here on deliveries are received
			}
		}
		o.Until = 1
		s.used.Store(-mostUses)
		if err := w.run(s, o); err != nil {
			t.Fatalf("a delivery at use %d was answered with %d: %v", n, status, err)
		}
		w.clean()
		if s.used.Load() < n {
			if n < 15 {
				t.Errorf("a run has only %d steps", n-1)
			}
			return
		}
	}
	t.Error("runs do not end by themselves")
}

// unlocked is a lock that is always free.
func unlocked(context.Context) (func(), error) { return func() {}, nil }
