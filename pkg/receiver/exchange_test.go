package receiver_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/receiver"
)

// stall writes the beginning of an answer and then nothing, until the other side ends.
func stall(text string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = io.WriteString(c, text)
		_, _ = io.Copy(io.Discard, c)
	}
}

func TestStatusLineDecidesWhateverTheBodyDoes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer func(net.Conn)
		status int
	}{
		"stalls before the body":     {stall("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), 200},
		"stalls in the body":         {stall("HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\nabc"), 201},
		"stalls in a chunk":          {stall("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"), 200},
		"bad chunk":                  {stall("HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), 202},
		"no end":                     {stall("HTTP/1.1 200 OK\r\n\r\nabc"), 200},
		"cut body":                   {func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc") }, 200},
		"refusal that stalls":        {stall("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 9\r\n\r\nabc"), 500},
		"end for ever that stalls":   {stall("HTTP/1.1 410 Gone\r\nContent-Length: 9\r\n\r\nabc"), 410},
		"redirect that stalls":       {stall("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 9\r\n\r\n"), 302},
		"other protocol that stalls": {stall("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"), 101},
		"wait that stalls in a body": {stall("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: 9\r\n\r\n"), 503},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := target(t, raw(t, test.answer)).Forward(t.Context(), entry(), false)
			if got.Status != test.status {
				t.Errorf("status %d, want %d: %v", got.Status, test.status, got.Err)
			}
			if accepted := got.Err == nil; accepted != (test.status/100 == 2) {
				t.Errorf("error %v", got.Err)
			}
			if got.Duration > 10*time.Second {
				t.Errorf("it took %s", got.Duration)
			}
		})
	}
}

// closing serves one request per connection and then does what close does when a second one comes. It returns the
// number of requests that were read.
func closing(t *testing.T, second func(net.Conn)) (url string, requests *atomic.Int64) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	requests = &atomic.Int64{}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serveOnce(conn, requests, second)
		}
	}()
	return "http://" + listener.Addr().String(), requests
}

func serveOnce(conn net.Conn, requests *atomic.Int64, second func(net.Conn)) {
	defer func() { _ = conn.Close() }()
	reader := bufio.NewReader(conn)
	request, err := http.ReadRequest(reader)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, request.Body)
	requests.Add(1)
	_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	if _, err := reader.Peek(1); err == nil {
		second(conn)
	}
}

func TestRequestOnAClosedIdleConnectionIsSentAgainAtOnce(t *testing.T) {
	t.Parallel()
	for name, second := range map[string]func(net.Conn){
		"closes":          func(net.Conn) {},
		"resets":          func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) },
		"closes to write": func(c net.Conn) { _ = c.(*net.TCPConn).CloseWrite(); _, _ = io.Copy(io.Discard, c) },
		"closes later":    func(net.Conn) { time.Sleep(50 * time.Millisecond) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, requests := closing(t, second)
			app := target(t, url)
			for n := range int64(3) {
				if got := app.Forward(t.Context(), entry(), false); got.Err != nil {
					t.Fatalf("try %d: %v", n+1, got.Err)
				}
			}
			if got := requests.Load(); got != 3 {
				t.Errorf("the app read %d requests, want 3", got)
			}
		})
	}
}

func TestIdleConnectionsCloseBeforeThoseOfServers(t *testing.T) {
	t.Parallel()
	closed := make(chan struct{}, 1)
	app := httptest.NewUnstartedServer(http.NotFoundHandler())
	app.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateClosed {
			closed <- struct{}{}
		}
	}
	app.Start()
	defer app.Close()
	target(t, app.URL).Forward(t.Context(), entry(), false)
	select {
	case <-closed:
	case <-time.After(20 * time.Second):
		t.Error("the connection is still open")
	}
	if receiver.IdleAppTimeout >= 2*time.Second { // gunicorn closes after 2 seconds
		t.Errorf("an idle connection is closed after %v, want less than 2s", receiver.IdleAppTimeout)
	}
}

func TestEveryVersionOfHTTPReachesTheApp(t *testing.T) {
	t.Parallel()
	for name, protocols := range map[string][]string{
		"1.1": {"http/1.1"}, "2": {"h2"}, "2 first": {"h2", "http/1.1"}, "1.1 first": {"http/1.1", "h2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, roots := speaking(t, protocols)
			made, err := receiver.NewTarget(url, receiver.TargetOptions{RootCAs: roots})
			if err != nil {
				t.Fatal(err)
			}
			if got := made.Forward(t.Context(), entry(), false); got.Status != http.StatusNoContent {
				t.Errorf("status %d: %v", got.Status, got.Err)
			}
		})
	}
}

// speaking serves HTTPS to clients that offer one of the protocols, and returns what verifies its certificate.
func speaking(t *testing.T, protocols []string) (string, *x509.CertPool) {
	t.Helper()
	app := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	app.EnableHTTP2 = true
	app.TLS = &tls.Config{NextProtos: protocols, GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.ContainsFunc(hello.SupportedProtos, func(p string) bool { return slices.Contains(protocols, p) }) {
			return nil, nil
		}
		return nil, errors.New("no common protocol")
	}}
	app.StartTLS()
	t.Cleanup(app.Close)
	roots := x509.NewCertPool()
	roots.AddCert(app.Certificate())
	return app.URL, roots
}
