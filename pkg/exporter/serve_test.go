package exporter_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/exporter"
	"github.com/tlxhook/tlxhook/pkg/secret"
)

const token = secret.Text("a-token-for-scrapes")

// certificate returns a certificate and a client that trusts it.
func certificate(t *testing.T) (config *tls.Config, client *http.Client) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "example.com", MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	return &tls.Config{Certificates: server.TLS.Certificates, MinVersion: tls.VersionTLS12}, &http.Client{Transport: transport}
}

// serve runs a server until the test ends and returns its URL.
func serve(t *testing.T, server exporter.Server, handler http.Handler) (address string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan string, 1), make(chan error, 1)
	if server.Address == "" {
		server.Address = "127.0.0.1:0"
	}
	if server.Log == nil {
		server.Log = t.Logf
	}
	go func() { ended <- server.Serve(ctx, handler, func(url string) { ready <- url }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serving ended with %v", err)
		}
	})
	select {
	case address = <-ready:
	case err := <-ended:
		ended <- nil
		t.Fatal(err)
	}
	return address
}

// fetch returns the status of a page, 0 without a response, and its body.
func fetch(t *testing.T, client *http.Client, url string, change func(*http.Request)) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(request)
	}
	answer, err := client.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Error(err)
	}
	return answer.StatusCode, string(raw)
}

func authorization(values ...string) func(*http.Request) {
	return func(r *http.Request) { r.Header["Authorization"] = values }
}

// A non-loopback address requires a token and TLS.
func TestServerRejectsUnprotectedAddress(t *testing.T) {
	t.Parallel()
	encrypted, _ := certificate(t)
	for _, test := range []struct {
		server exporter.Server
		want   error
	}{
		{exporter.Server{Address: "127.0.0.1:0"}, nil},
		{exporter.Server{Address: "[::1]:0"}, nil},
		{exporter.Server{Address: "localhost:0"}, nil},
		{exporter.Server{Address: ":0"}, exporter.ErrExposed},
		{exporter.Server{Address: "0.0.0.0:0"}, exporter.ErrExposed},
		{exporter.Server{Address: "[::]:0"}, exporter.ErrExposed},
		{exporter.Server{Address: ":0", PlainHTTP: true}, exporter.ErrExposed},
		{exporter.Server{Address: ":0", TLS: encrypted}, exporter.ErrExposed},
		{exporter.Server{Address: ":0", TLS: encrypted, PlainHTTP: true}, exporter.ErrExposed},
		{exporter.Server{Address: ":0", Token: token}, exporter.ErrExposed},
		{exporter.Server{Address: "192.0.2.1:0", Token: token}, exporter.ErrExposed},
		{exporter.Server{Address: ":0", Token: token, PlainHTTP: true}, nil},
		{exporter.Server{Address: ":0", Token: token, TLS: encrypted}, nil},
		{exporter.Server{Address: "127.0.0.1"}, exporter.ErrAddress},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		test.server.Log = t.Logf
		err := test.server.Serve(ctx, http.NotFoundHandler(), func(string) { cancel() })
		cancel()
		if !errors.Is(err, test.want) {
			t.Errorf("%+v: %v, want %v", test.server, err, test.want)
		}
	}
}

// All pages require the token, except the health checks.
func TestTokenIsRequired(t *testing.T) {
	t.Parallel()
	s := newService(t, 3, nil)
	address := serve(t, exporter.Server{Token: token}, s)
	right := "Bearer " + token.Reveal()
	for _, logged := range [][]string{
		nil,
		{""},
		{"Bearer"},
		{"Bearer "},
		{"Basic " + token.Reveal()},
		{token.Reveal()},
		{right + "x"},
		{right[:len(right)-1]},
		{right, right},
		{right, "Bearer x"},
		{"Bearer x", right},
		{"Bearer  " + token.Reveal()},
		{"Bearer " + strings.Repeat("a", 10000)},
	} {
		for _, path := range []string{"/metrics", "/probe?target=acme", "/sd", "/", "/-/../metrics", "/nonsense"} {
			switch code, page := fetch(t, http.DefaultClient, address+path, authorization(logged...)); {
			case code != http.StatusUnauthorized:
				t.Errorf("%q for %s gave %d: %s", logged, path, code, page)
			case strings.Contains(page, "acme"):
				t.Errorf("%q for %s gave %d: %s", logged, path, code, page)
			}
		}
	}
	if s.lists.Load() != 0 {
		t.Error("an unauthorized request reached Tripletex")
	}
	for _, logged := range []string{right, "bearer " + token.Reveal()} {
		switch code, page := fetch(t, http.DefaultClient, address+"/metrics", authorization(logged)); {
		case code != http.StatusOK:
			t.Errorf("%q gave %d", logged, code)
		case !strings.Contains(page, up+" 1"):
			t.Errorf("%q gave %d", logged, code)
		}
	}
	for _, path := range []string{"/-/healthy", "/-/ready"} {
		if code, page := fetch(t, http.DefaultClient, address+path, nil); code != http.StatusOK {
			t.Errorf("%s gave %d: %s", path, code, page)
		}
	}
}

// TLS does not replace the token, and a TLS server does not respond to plain HTTP.
func TestTokenIsRequiredOverTLS(t *testing.T) {
	t.Parallel()
	encrypted, client := certificate(t)
	address := serve(t, exporter.Server{TLS: encrypted, Token: token}, newService(t, 3, nil))
	if !strings.HasPrefix(address, "https://") {
		t.Errorf("it serves on %s", address)
	}
	right := authorization("Bearer " + token.Reveal())
	if code, _ := fetch(t, client, address+"/metrics", nil); code != http.StatusUnauthorized {
		t.Errorf("plain HTTP: status %d", code)
	}
	switch code, page := fetch(t, client, address+"/metrics", right); {
	case code != http.StatusOK:
		t.Errorf("code = %v, want %v", code, http.StatusOK)
	case !strings.Contains(page, up+" 1"):
		t.Errorf("page = %q, want it to contain %q", page, up+" 1")
	}
	switch code, page := fetch(t, client, strings.Replace(address, "https", "http", 1)+"/metrics", right); {
	case code != http.StatusBadRequest:
		t.Errorf("without TLS: code = %v, want %v", code, http.StatusBadRequest)
	case strings.Contains(page, "acme"):
		t.Errorf("without TLS: page = %q, want it not to contain %q", page, "acme")
	}
}

// Oversized requests are rejected before they reach the handler.
func TestLongRequestsAreRejected(t *testing.T) {
	t.Parallel()
	s := newService(t, 3, nil)
	address := serve(t, exporter.Server{}, s)
	code, _ := fetch(t, http.DefaultClient, address+"/probe?target="+strings.Repeat("a", 1<<20), nil)
	if code != http.StatusRequestHeaderFieldsTooLarge && code != 0 { // 0: the connection was cut while it still wrote
		t.Errorf("a URL of 1 MB gave %d", code)
	}
	code, _ = fetch(t, http.DefaultClient, address+"/metrics", func(r *http.Request) { r.Header.Set("X-Long", strings.Repeat("a", 1<<20)) })
	if code != http.StatusRequestHeaderFieldsTooLarge && code != 0 {
		t.Errorf("a header of 1 MB gave %d", code)
	}
	if s.lists.Load() != 0 {
		t.Error("a rejected request reached Tripletex")
	}
}

// A scrape in flight completes during shutdown.
func TestShutdownWaitsForScrapes(t *testing.T) {
	t.Parallel()
	begun, finish := make(chan struct{}), make(chan struct{})
	slow := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-finish
		_, _ = io.WriteString(w, "finished")
	})
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan string, 1), make(chan error, 1)
	server := exporter.Server{Address: "127.0.0.1:0", Log: t.Logf}
	go func() { ended <- server.Serve(ctx, slow, func(url string) { ready <- url }) }()
	address, page := <-ready, make(chan string, 1)
	go func() {
		_, text := fetch(t, http.DefaultClient, address, nil)
		page <- text
	}()
	<-begun
	cancel()
	for dialed := true; dialed; { // until it takes no more
		connection, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", strings.TrimPrefix(address, "http://"))
		if dialed = err == nil; dialed {
			_ = connection.Close()
		}
	}
	close(finish)
	switch got, err := <-page, <-ended; {
	case got != "finished":
		t.Errorf("got = %q, want %q", got, "finished")
	case err != nil:
		t.Error(err)
	}
}

// A failed connection is logged.
func TestFailedHandshakeIsLogged(t *testing.T) {
	t.Parallel()
	encrypted, _ := certificate(t)
	var logged atomic.Value
	address := serve(t, exporter.Server{TLS: encrypted, Log: func(format string, args ...any) { logged.Store(fmt.Sprintf(format, args...)) }},
		http.NotFoundHandler())
	if code, _ := fetch(t, http.DefaultClient, address, nil); code != 0 {
		t.Errorf("an unknown certificate was trusted: %d", code)
	}
	for range 1000 {
		if text, _ := logged.Load().(string); strings.Contains(text, "TLS handshake error") && !strings.Contains(text, "\n") {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Errorf("%v was logged", logged.Load())
}
