package receiver_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/secret"
)

// guarded serves a receiver with limits, and returns its address.
func guarded(t *testing.T, l receiver.Limits, report func(receiver.DeliveryEvent)) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	r := receiver.New(store(t, 0, 0), receiver.Options{Path: "/", Secrets: []secret.Text{testSecret}, Report: report})
	go func() { ended <- receiver.Serve(ctx, receiver.Limit(listener, l), r) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		r.Flush()
	})
	return listener.Addr().String()
}

// connect opens a connection from a loopback address.
func connect(t *testing.T, from, to string) net.Conn {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 5 * time.Second}
	conn, err := dialer.DialContext(t.Context(), "tcp", to)
	if err != nil {
		t.Skip("no second loopback address: ", err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// deliver sends a signed delivery on a new connection, and returns the status line and the time that it took.
func deliver(t *testing.T, from, to, key string) (string, time.Duration) {
	t.Helper()
	start := time.Now()
	conn := connect(t, from, to)
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = io.WriteString(conn, valid(key, goodBody))
	line, _ := bufio.NewReader(conn).ReadString('\n')
	return strings.TrimSpace(line), time.Since(start)
}

// unsigned begins a request whose signature is wrong.
const unsigned = "POST / HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k\r\nX-Request-Signature: x\r\n"

func TestHostileConnectionsDoNotShutOutDeliveries(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		perAddress int
		begin      string // what each hostile connection sends
	}{
		"nothing":                      {0, ""},
		"rejected requests, then idle": {0, "GET /x HTTP/1.1\r\nHost: x\r\n\r\n"},
		"half a header":                {0, "POST / HTTP/1.1\r\nHost: x\r\nX-"},
		"half a request line":          {0, "PO"},
		"stored once, then idle":       {0, valid("k", goodBody)},
		"a body that stalls":           {0, unsigned + "Content-Length: 9\r\n\r\nabc"},
		"a body that does not begin":   {0, unsigned + "Content-Length: 9\r\n\r\n"},
		"a chunk that stalls":          {0, unsigned + "Transfer-Encoding: chunked\r\n\r\n9\r\nabc"},
		"a body that is asked for":     {0, unsigned + "Content-Length: 9\r\nExpect: 100-continue\r\n\r\n"},
		"at most 8 of a second sender": {8, unsigned + "Content-Length: 9\r\n\r\nabc"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := guarded(t, receiver.Limits{Connections: 16, PerAddress: test.perAddress}, nil)
			for range 40 {
				_, _ = io.WriteString(connect(t, "127.0.0.1", address), test.begin)
			}
			for n := range 5 {
				line, took := deliver(t, "127.0.0.2", address, "honest-"+strconv.Itoa(n))
				if line != "HTTP/1.1 200 OK" {
					t.Errorf("delivery %d: %q", n, line)
				}
				if took > 3*time.Second { // 5 ms on an idle machine
					t.Errorf("delivery %d took %s, want at most 3s", n, took)
				}
			}
		})
	}
}

// A request without a body is answered although others wait for its connection.
func TestAnswerWithoutRequestBodyIsNotCutOff(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	asked, answer, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	slow := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(asked)
		<-answer
	})
	limits := receiver.Limits{Connections: 2}
	go func() { ended <- receiver.Serve(ctx, receiver.Limit(listener, limits), slow) }()
	first := connect(t, "127.0.0.1", listener.Addr().String())
	_, _ = io.WriteString(first, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-asked
	for range 4 { // of which each later one takes the place of an earlier one
		conn := connect(t, "127.0.0.2", listener.Addr().String())
		_ = conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		_, _ = conn.Read(make([]byte, 1))
	}
	close(answer)
	if line, err := bufio.NewReader(first).ReadString('\n'); line != "HTTP/1.1 200 OK\r\n" {
		t.Errorf("%q, %v", line, err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestRejectedRequestClosesItsConnection(t *testing.T) {
	t.Parallel()
	address := guarded(t, receiver.Limits{Connections: 16}, nil)
	for name, request := range map[string]string{
		"path":      "GET /x HTTP/1.1\r\nHost: x\r\n\r\n",
		"method":    "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"no key":    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
		"signature": strings.Replace(valid("k", goodBody), "1001", "1002", 1),
		"not JSON":  valid("k", "{}"),
		"too large": "POST / HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k\r\nX-Request-Signature: x\r\nContent-Length: 99999999\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := connect(t, "127.0.0.1", address)
			_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
			_, _ = io.WriteString(conn, request)
			reader := bufio.NewReader(conn)
			response, err := http.ReadResponse(reader, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
			if !response.Close {
				t.Error("the answer does not announce the end")
			}
			if _, err := reader.ReadByte(); err == nil || strings.Contains(err.Error(), "timeout") {
				t.Errorf("the connection is open: %v", err)
			}
		})
	}
}

func TestRejectionsAreSummedUp(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		request string
		reason  receiver.Reason
	}{
		"signature": {strings.Replace(valid("k", goodBody), "1001", "1002", 1), receiver.ReasonSignature},
		"path":      {"GET /x HTTP/1.1\r\nHost: x\r\n\r\n", receiver.ReasonMethod},
		"not JSON":  {valid("k", "{}"), receiver.ReasonNotJSON},
		"no key":    {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", receiver.ReasonMissingHeader},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var events []receiver.DeliveryEvent
			r := receiver.New(store(t, 0, 0), receiver.Options{
				Path: "/", Secrets: []secret.Text{testSecret}, Report: func(e receiver.DeliveryEvent) {
					mu.Lock()
					defer mu.Unlock()
					events = append(events, e)
				},
			})
			for range 500 {
				request, err := http.ReadRequest(bufio.NewReader(strings.NewReader(test.request)))
				if err != nil {
					t.Fatal(err)
				}
				r.ServeHTTP(discarding{http.Header{}}, request)
			}
			r.Flush()
			if len(events) != 11 {
				t.Fatalf("reported %d events, want 10 and their sum", len(events))
			}
			last := events[10]
			if last.Count != 490 {
				t.Errorf("the sum is %d, want 490", last.Count)
			}
			if last.Reason != test.reason {
				t.Errorf("the reason is %s, want %s", last.Reason, test.reason)
			}
			if got := r.Stats().Rejected[test.reason]; got != 500 {
				t.Errorf("counted %d rejections, want 500", got)
			}
		})
	}
}

// discarding is an answer that nobody reads.
type discarding struct{ header http.Header }

func (d discarding) Header() http.Header       { return d.header }
func (discarding) Write(p []byte) (int, error) { return len(p), nil }
func (discarding) WriteHeader(int)             {}
