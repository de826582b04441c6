package sandbox_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/sandbox"
)

// Bodies of any size and shape get an answer that is not much longer than others.
func TestHostileBodiesAreRefused(t *testing.T) {
	t.Parallel()
	s := serve(t, sandbox.ServeOptions{})
	var keys strings.Builder
	for i := range 200_000 {
		fmt.Fprintf(&keys, `,"k%d":1`, i)
	}
	for name, test := range map[string]struct {
		body   string
		status int
	}{
		"too large":   {strings.Repeat("x", 5<<20), http.StatusRequestEntityTooLarge},
		"deep list":   {strings.Repeat("[", 4<<20), http.StatusUnprocessableEntity},
		"deep object": {strings.Repeat(`{"a":`, 500_000), http.StatusUnprocessableEntity},
		"many keys":   {`{"a":1` + keys.String() + `}`, http.StatusUnprocessableEntity},
		"long number": {`{"consumerToken":` + strings.Repeat("9", 3<<20) + `}`, http.StatusUnprocessableEntity},
		"long text":   {`{"consumerToken":"` + strings.Repeat("9", 3<<20) + `"}`, http.StatusUnprocessableEntity},
	} {
		status, body := s.call(http.MethodPost, "/v2/token/session/:create", test.body)
		if status != test.status {
			t.Errorf("%s: %d, want %d", name, status, test.status)
		}
		if len(body) > 32<<10 {
			t.Errorf("%s: %d bytes, want at most 32 KiB", name, len(body))
		}
	}
	s.must(http.MethodGet, "/sandbox/health", "")
}

// Hundreds of clients that send nothing more do not keep others from an answer.
func TestIdleClientsDelayNobody(t *testing.T) {
	t.Parallel()
	s := serve(t, sandbox.ServeOptions{})
	address := strings.TrimPrefix(s.url, "http://")
	for range 100 {
		for _, begun := range []string{
			"GET /v2/ev", "POST /v2/token/session/:create HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{",
			"POST /sandbox/emit HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{",
		} {
			connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = connection.Close() })
			if _, err := io.WriteString(connection, begun); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.must(http.MethodGet, "/v2/event", "")
	s.must(http.MethodPost, "/sandbox/emit", `{"event":"order.create"}`)
}

// A body that does not arrive ends the connection, in a request to the API as in one that controls the sandbox.
func TestSlowBodiesAreEnded(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("waits for half a minute")
	}
	s := serve(t, sandbox.ServeOptions{})
	var all sync.WaitGroup
	for _, path := range []string{"/v2/token/session/:create", "/sandbox/emit"} {
		all.Go(func() {
			connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = connection.Close() }()
			_ = connection.SetDeadline(time.Now().Add(2 * time.Minute))
			if _, err := fmt.Fprintf(connection, "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{", path); err != nil {
				t.Error(err)
			}
			if _, err := io.Copy(io.Discard, bufio.NewReader(connection)); err != nil && strings.Contains(err.Error(), "timeout") {
				t.Errorf("%s: the connection is open after two minutes", path)
			}
		})
	}
	all.Wait()
}

// Resets while events are emitted: each call succeeds, or names what the reset took away.
func TestResetsWhileEmitting(t *testing.T) {
	t.Parallel()
	s := serve(t, sandbox.ServeOptions{Switches: sandbox.Switches{"propagation": "0s"}})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 5 {
				for _, event := range []string{"order.create", "order.update", "order.delete"} {
					status, body := s.call(http.MethodPost, "/sandbox/emit", `{"event":"`+event+`","count":10}`)
					if status != http.StatusOK && status != http.StatusNotFound {
						t.Errorf("%s: %d %s", event, status, body)
					}
				}
			}
		})
		all.Go(func() {
			for range 5 {
				s.must(http.MethodPost, "/sandbox/reset", `{"subscriptions":40}`)
			}
		})
	}
	all.Wait()
	if got := s.must(http.MethodPost, "/sandbox/reset", ""); !strings.Contains(got, `"subscriptions":0`) {
		t.Error(got)
	}
}
