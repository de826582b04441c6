package inspect_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/inspect"
)

// attack is a request that must be refused.
type attack struct {
	name, method, path string
	change             func(*http.Request)
	want               int
}

func set(name string, values ...string) func(*http.Request) {
	return func(r *http.Request) { r.Header[name] = values }
}

func host(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }

func TestOnlyThePageItselfIsAnswered(t *testing.T) {
	t.Parallel()
	p := serve(t, nil)
	id := p.receive(t, "order.create", 1, `{"secret":"canary"}`)
	c := p.client(t)
	port := p.base[strings.LastIndex(p.base, ":")+1:]
	read, replay := fmt.Sprintf("/api/deliveries/%d", id), fmt.Sprintf("/api/deliveries/%d/replay", id)
	token := strings.TrimPrefix(p.url, p.base)
	attacks := []attack{
		{"another host", "GET", read, host("evil.example:" + port), 421},
		{"another host with the token", "GET", token, host("evil.example:" + port), 421},
		{"a host that ends like this one", "GET", read, host("127.0.0.1." + "evil.example:" + port), 421},
		{"a subdomain of localhost", "GET", read, host("evil.localhost:" + port), 421},
		{"another port", "GET", read, host("127.0.0.1:1"), 421},
		{"no port", "GET", read, host("127.0.0.1"), 421},
		{"another loopback address", "GET", read, host("127.0.0.2:" + port), 421},
		{"a trailing dot", "GET", read, host("localhost.:" + port), 421},
		{"IPv6", "GET", read, host("[::1]:" + port), 421},
		{"a number as the host", "GET", read, host("2130706433:" + port), 421},
		{"no cookie", "GET", read, set("Cookie"), 403},
		{"no cookie for a plain page", "GET", "/plain/1", set("Cookie"), 403},
		{"no cookie for the stream", "GET", "/api/live", set("Cookie"), 403},
		{"no cookie for a script", "GET", "/assets/app.js", set("Cookie"), 403},
		{"no cookie for the page", "GET", "/", set("Cookie"), 403},
		{"another token", "GET", read, set("Cookie", strings.Split(c.cookie, "=")[0]+"=AAAA"), 403},
		{"an empty token", "GET", read, set("Cookie", strings.Split(c.cookie, "=")[0]+"="), 403},
		{"the token as a cookie of another port", "GET", read, set("Cookie", "tlxhook-1="+strings.Split(c.cookie, "=")[1]), 403},
		{"a token in a URL of the API", "GET", read + "?" + strings.Split(token, "?")[1], set("Cookie"), 403},
		{"a wrong token in the URL", "GET", "/?token=AAAA", set("Cookie"), 403},
		{"two tokens in the URL", "GET", "/?token=AAAA&" + strings.Split(token, "?")[1], set("Cookie"), 403},
		{"a read by another site", "GET", read, set("Sec-Fetch-Site", "cross-site"), 403},
		{"a read by another port", "GET", read, set("Sec-Fetch-Site", "same-site"), 403},
		{"two origins of the fetch", "GET", read, set("Sec-Fetch-Site", "same-origin", "cross-site"), 403},
		{"the page in a frame", "GET", "/", func(r *http.Request) {
			set("Sec-Fetch-Site", "cross-site")(r)
			set("Sec-Fetch-Mode", "navigate")(r)
			set("Sec-Fetch-Dest", "iframe")(r)
		}, 403},
		{"a replay by another site", "POST", replay, set("Origin", "https://evil.example"), 403},
		{"a replay by another port", "POST", replay, set("Origin", "http://127.0.0.1:1"), 403},
		{"a replay by https", "POST", replay, set("Origin", "https://127.0.0.1:"+port), 403},
		{"a replay by localhost", "POST", replay, set("Origin", "http://localhost:"+port), 403},
		{"a replay of a sandboxed frame", "POST", replay, set("Origin", "null"), 403},
		{"a replay without an origin", "POST", replay, set("Origin"), 403},
		{"a replay with two origins", "POST", replay, set("Origin", p.base, p.base), 403},
		{"a form", "POST", replay, set("Content-Type", "application/x-www-form-urlencoded"), 415},
		{"a form of text", "POST", replay, set("Content-Type", "text/plain"), 415},
		{"no type", "POST", replay, set("Content-Type"), 415},
		{"a replay by GET", "GET", replay, nil, 405},
		{"a delivery by DELETE", "DELETE", read, nil, 405},
		{"a delivery by PUT", "PUT", read, nil, 405},
		{"a preflight", "OPTIONS", replay, set("Origin", "https://evil.example"), 403},
		{"a file of the server", "GET", "/assets/plain.html", nil, 404},
		{"a path out of the files", "GET", "/assets/..%2finspect.go", nil, 404},
		{"an absent delivery", "GET", "/api/deliveries/99", nil, 404},
		{"a negative delivery", "GET", "/api/deliveries/-1", nil, 400},
		{"a word as a delivery", "GET", "/api/deliveries/x", nil, 400},
		{"an unknown state", "GET", "/api/deliveries?state=lost", nil, 400},
		{"a long text", "GET", "/api/deliveries?text=" + strings.Repeat("x", 300), nil, 400},
		{"a huge page", "GET", "/api/deliveries?limit=1000000", nil, 400},
		{"a page below zero", "GET", "/api/deliveries?below=-5", nil, 400},
		{"a moment that is none", "GET", "/?since=soon", nil, 400},
	}
	for _, a := range attacks {
		status, said, header := c.do(t, a.method, a.path, "{}", a.change)
		if status != a.want {
			t.Errorf("%s: %d, want %d: %s", a.name, status, a.want, said)
		}
		if strings.Contains(said, "canary") {
			t.Errorf("%s: the answer has the body of a delivery", a.name)
		}
		if header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: the answer allows other origins", a.name)
		}
	}
	if got := p.app.bodies(); len(got) > 0 {
		t.Errorf("the app got %q", got)
	}
}

func TestEveryAnswerIsProtected(t *testing.T) {
	t.Parallel()
	p := serve(t, nil)
	c := p.client(t)
	for _, path := range []string{"/", "/assets/app.js", "/assets/app.css", "/plain/1", "/api/info", "/api/deliveries", "/none"} {
		_, _, header := c.do(t, http.MethodGet, path, "", nil)
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got := header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'", "base-uri 'none'"} {
			if policy := header.Get("Content-Security-Policy"); !strings.Contains(policy, part) {
				t.Errorf("%s: the policy %q lacks %s", path, policy, part)
			}
		}
	}
	_, _, header := c.do(t, http.MethodGet, strings.TrimPrefix(p.url, p.base), "", nil)
	for _, part := range []string{"HttpOnly", "SameSite=Strict"} {
		if cookie := header.Get("Set-Cookie"); !strings.Contains(cookie, part) {
			t.Errorf("the cookie %q lacks %s", cookie, part)
		}
	}
}

func TestTheTokenDiffersAtEachStart(t *testing.T) {
	t.Parallel()
	tokens := map[string]bool{}
	for range 3 {
		_, token, _ := strings.Cut(serve(t, nil).url, "token=")
		if tokens[token] {
			t.Errorf("the token %q is repeated", token)
		}
		if len(token) < 26 { // 26 characters of base32 have 130 bits
			t.Errorf("the token %q has %d characters, want at least 26", token, len(token))
		}
		tokens[token] = true
	}
}

func TestReadOnlyAllowsNoChange(t *testing.T) {
	t.Parallel()
	p := serve(t, func(o *inspect.Options) { o.ReadOnly = true })
	id := p.receive(t, "order.create", 1, `{}`)
	c := p.client(t)
	for _, path := range []string{fmt.Sprintf("/api/deliveries/%d/replay", id), "/api/subscriptions/1/enable"} {
		if status, said := c.post(t, path, "{}"); status != http.StatusForbidden {
			t.Errorf("%s: %d, want 403: %s", path, status, said)
		}
	}
	status, said := c.get(t, fmt.Sprintf("/api/deliveries/%d", id))
	if status != http.StatusOK {
		t.Errorf("%d, want 200: %s", status, said)
	}
	if strings.Contains(said, p.app.URL) {
		t.Errorf("the app that replays would go to is shown: %s", said)
	}
}

func TestOnlyLoopbackAddressesAreServed(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"0.0.0.0:0", ":4180", "192.0.2.1:4180", "[::]:4180", "x.no:4180", "127.0.0.1", "", "localhost.x.no:1"} {
		if _, err := inspect.Open(t.Context(), inspect.Options{Address: address, Folder: t.TempDir()}); !errors.Is(err, inspect.ErrAddress) {
			t.Errorf("%q: %v, want %v", address, err, inspect.ErrAddress)
		}
	}
	for _, address := range []string{"127.0.0.1:4180", "127.9.9.9:1", "[::1]:0", "localhost:0"} {
		if err := inspect.CheckAddress(address); err != nil {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestATakenPortIsReported(t *testing.T) {
	t.Parallel()
	other, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	p := serve(t, nil)
	o := inspect.Options{Address: other.Addr().String(), Folder: p.folder}
	if _, err := inspect.Open(context.WithoutCancel(t.Context()), o); !errors.Is(err, inspect.ErrListen) {
		t.Errorf("%v, want %v", err, inspect.ErrListen)
	}
}

// A page by IPv6 has brackets in its host.
func TestIPv6(t *testing.T) {
	t.Parallel()
	if l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "[::1]:0"); err != nil {
		t.Skip("the machine has no IPv6")
	} else if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	p := serve(t, func(o *inspect.Options) { o.Address = "[::1]:0" })
	if status, said := p.client(t).get(t, "/api/info"); status != http.StatusOK {
		t.Errorf("%d: %s", status, said)
	}
}
