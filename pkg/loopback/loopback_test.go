package loopback_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/loopback"
)

// answer returns the status of a request with a Host and headers.
func answer(handler http.Handler, host string, headers ...string) int {
	request := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/metrics", nil)
	request.Host = host
	for i := 0; i < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder.Code
}

func TestOtherHostsAndSitesAreRejected(t *testing.T) {
	t.Parallel()
	served := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	handler := loopback.Protect(served, "me.example.no")
	for _, host := range []string{
		"evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.nip.io",
		"192.168.1.1:80", "0.0.0.0", "[::]", "[2001:db8::1]:80", "", "notlocalhost", "me.example.no.evil",
	} {
		if got := answer(handler, host); got != http.StatusMisdirectedRequest {
			t.Errorf("Host %q: %d", host, got)
		}
	}
	for _, host := range []string{
		"127.0.0.1:8080", "127.9.9.9", "localhost", "LOCALHOST:1", "localhost.:1",
		"[::1]:80", "[::1]", "api.localhost", "me.example.no", "me.example.no:443",
	} {
		if got := answer(handler, host); got != http.StatusOK {
			t.Errorf("Host %q: %d", host, got)
		}
	}
	for _, headers := range [][]string{
		{"Origin", "http://evil.example"},
		{"Origin", "null"},
		{"Origin", "https://127.0.0.1.evil.example"},
		{"Origin", "%zz"},
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"},
		{"Origin", "http://localhost", "Origin", "http://evil.example"},
		{"Origin", "file://"},
	} {
		if got := answer(handler, "127.0.0.1:1", headers...); got != http.StatusForbidden {
			t.Errorf("%v: %d", headers, got)
		}
	}
	for _, headers := range [][]string{
		{"Origin", "http://localhost:8080"}, {"Origin", "http://[::1]:1"}, {"Sec-Fetch-Site", "none"}, {"Sec-Fetch-Site", "same-origin"},
	} {
		if got := answer(handler, "127.0.0.1:1", headers...); got != http.StatusOK {
			t.Errorf("%v: %d", headers, got)
		}
	}
	beyond := loopback.ProtectAt(&net.TCPAddr{IP: net.IPv4zero, Port: 80}, served)
	if got := answer(beyond, "hooks.example.no"); got != http.StatusOK {
		t.Errorf("beyond loopback: %d", got)
	}
	got := answer(loopback.ProtectAt(&net.TCPAddr{IP: net.IPv6loopback, Port: 80}, served), "hooks.example.no")
	if got != http.StatusMisdirectedRequest {
		t.Errorf("on loopback: %d", got)
	}
}
