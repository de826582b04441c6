package inspect_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/inspect"
	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

const key = "0123456789abcdef"

// page is a page that is served over a journal into which a test receives.
type page struct {
	journal *journal.Journal
	url     string // with the token
	base    string // without it
	app     *app
	folder  string
	server  *inspect.Server
	stop    func() error
}

// app is an app that takes replays.
type app struct {
	*httptest.Server

	mu     sync.Mutex
	got    []string
	header []http.Header
	status int
	answer string
}

func newApp(t *testing.T) *app {
	t.Helper()
	a := &app{status: http.StatusOK}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		a.mu.Lock()
		defer a.mu.Unlock()
		a.got, a.header = append(a.got, string(body)), append(a.header, r.Header)
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, a.answer)
	}))
	t.Cleanup(a.Close)
	return a
}

// bodies returns what the app got.
func (a *app) bodies() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string(nil), a.got...)
}

// serve serves a page over a new journal, with an app and the key of the deliveries, after change of its options.
func serve(t *testing.T, change func(*inspect.Options)) *page {
	t.Helper()
	folder := t.TempDir()
	j, err := journal.Open(folder, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	p := &page{journal: j, folder: folder, app: newApp(t)}
	target, err := receiver.NewTarget(p.app.URL+"/hook", receiver.TargetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	o := inspect.Options{
		Address: "127.0.0.1:0", Folder: folder, Routes: []receiver.Route{{Event: "*", App: target}}, Secrets: []secret.Text{key},
	}
	if change != nil {
		change(&o)
	}
	p.start(t, o)
	return p
}

// start serves the page until the test ends or stop is called.
func (p *page) start(t *testing.T, o inspect.Options) {
	t.Helper()
	server, err := inspect.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	p.server, p.url = server, server.URL()
	p.base, _, _ = strings.Cut(p.url, "/?")
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	p.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	})
}

// receive stores a signed delivery and returns its ID.
func (p *page) receive(t *testing.T, event string, object int64, value string) int64 {
	t.Helper()
	body := fmt.Appendf(nil, `{"subscriptionId":4711,"event":%q,"id":%d,"value":%s}`, event, object, value)
	return p.store(t, journal.Delivery{Event: event, ObjectID: object, Body: body})
}

// store stores a delivery, with a key and a signature.
func (p *page) store(t *testing.T, d journal.Delivery) int64 {
	t.Helper()
	d.Key, d.Received, d.SubscriptionID, d.ContentType = fmt.Sprintf("key-%d", time.Now().UnixNano()), time.Now(), 4711, "application/json"
	if d.Signature == "" {
		d.Signature = webhook.Sign(key, d.Key, d.Body)
	}
	stored, err := p.journal.Append(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return stored.ID
}

// client is a browser without scripts: it keeps cookies, and sends what a browser sends.
func (p *page) client(t *testing.T) *client {
	t.Helper()
	c := &client{page: p}
	status, _ := c.get(t, strings.TrimPrefix(p.url, p.base))
	if status != http.StatusOK {
		t.Fatalf("the URL of the page answers %d, want 200", status)
	}
	if c.cookie == "" {
		t.Fatal("the URL of the page sets no cookie")
	}
	return c
}

type client struct {
	page   *page
	cookie string
}

// do sends a request after change of it.
func (c *client) do(t *testing.T, method, path, body string, change func(*http.Request)) (int, string, http.Header) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, c.page.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if c.cookie != "" {
		request.Header.Set("Cookie", c.cookie)
	}
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	if method != http.MethodGet {
		request.Header.Set("Origin", c.page.base)
		request.Header.Set("Content-Type", "application/json")
	}
	if change != nil {
		change(request)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	for _, cookie := range response.Cookies() {
		c.cookie = cookie.Name + "=" + cookie.Value
	}
	var said bytes.Buffer
	_, _ = said.ReadFrom(response.Body)
	return response.StatusCode, said.String(), response.Header
}

func (c *client) get(t *testing.T, path string) (int, string) {
	t.Helper()
	status, said, _ := c.do(t, http.MethodGet, path, "", nil)
	return status, said
}

func (c *client) post(t *testing.T, path, body string) (int, string) {
	t.Helper()
	status, said, _ := c.do(t, http.MethodPost, path, body, nil)
	return status, said
}
