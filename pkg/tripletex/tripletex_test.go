package tripletex_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

const baseURL = "http://localhost:4711/v2"

func employee() tripletex.Credentials {
	return tripletex.Credentials{ConsumerToken: sandbox.ConsumerToken, EmployeeToken: sandbox.EmployeeToken}
}

// world is a sandbox with a client that records requests.
type world struct {
	*tripletex.Client
	store sandbox.Store
	wire  *wire
}

func newWorld(t *testing.T, change func(*sandbox.Options), credentials tripletex.Credentials) *world {
	t.Helper()
	options := sandbox.DefaultOptions()
	if change != nil {
		change(&options)
	}
	w := &world{store: sandbox.NewMemory(options)}
	w.wire = &wire{next: sandbox.New(w.store)}
	client, err := tripletex.New(tripletex.Options{BaseURL: baseURL, Credentials: credentials.Get, Transport: w.wire})
	if err != nil {
		t.Fatal(err)
	}
	w.Client = client
	return w
}

func (w *world) fault(t *testing.T, faults ...sandbox.Fault) {
	t.Helper()
	err := w.store.Update(t.Context(), func(s *sandbox.State) error {
		s.Faults = append(s.Faults, faults...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) subscriptions(t *testing.T) int {
	t.Helper()
	count := 0
	err := w.store.Update(t.Context(), func(s *sandbox.State) error {
		count = len(s.Subscriptions)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return count
}

// wire is a transport that records exchanges.
type wire struct {
	next  http.RoundTripper
	mu    sync.Mutex
	lines []string
	auth  []string
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	user, _, _ := r.BasicAuth()
	w.lines = append(w.lines,
		strings.TrimSuffix(fmt.Sprintf("%s %s?%s", r.Method, strings.TrimPrefix(r.URL.Path, "/v2"), r.URL.RawQuery), "?"))
	w.auth = append(w.auth, user)
	w.mu.Unlock()
	return w.next.RoundTrip(r)
}

// count returns the number of requests with a prefix such as "POST /event".
func (w *wire) count(prefix string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, line := range w.lines {
		if strings.HasPrefix(line, prefix) {
			n++
		}
	}
	return n
}

// scripted is a transport that returns prepared responses and repeats the last one.
type scripted struct {
	mu      sync.Mutex
	answers []scriptedAnswer
	sent    int
}

type scriptedAnswer struct {
	status int
	header http.Header
	body   string
	err    error
}

func (s *scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.answers[min(s.sent, len(s.answers)-1)]
	s.sent++
	if a.err != nil {
		return nil, a.err
	}
	if a.header == nil {
		a.header = http.Header{}
	}
	return &http.Response{
		StatusCode: a.status, Header: a.header, Body: io.NopCloser(strings.NewReader(a.body)), Request: r,
		ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

func newScripted(t *testing.T, answers ...scriptedAnswer) (*tripletex.Client, *scripted) {
	t.Helper()
	s := &scripted{answers: answers}
	return clientOf(t, s), s
}

// clientOf returns a client with a session token.
func clientOf(t *testing.T, transport http.RoundTripper) *tripletex.Client {
	t.Helper()
	client, err := tripletex.New(tripletex.Options{
		BaseURL: baseURL, Credentials: tripletex.Credentials{SessionToken: "given"}.Get, Transport: transport,
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func collect(client *tripletex.Client, t *testing.T) ([]tripletex.Subscription, error) {
	t.Helper()
	var all []tripletex.Subscription
	for s, err := range client.Subscriptions(t.Context(), "") {
		if err != nil {
			return all, err
		}
		all = append(all, s)
	}
	return all, nil
}

func wanted(event string) tripletex.NewSubscription {
	return tripletex.NewSubscription{
		Event: event, TargetURL: "https://user:canary-url@hooks.example.no/tripletex?token=canary-query",
		AuthHeaderName: "X-Key", AuthHeaderValue: "canary-header", HMACSharedSecret: secret.Text("canary-hmac"),
	}
}
