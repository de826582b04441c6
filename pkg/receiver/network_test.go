//go:build unix

package receiver_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/secret"
)

// proxy forwards connections to an address, with the next fault for each.
func proxy(t *testing.T, to string, faults ...func(client, server net.Conn)) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for n := 0; ; n++ {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = client.Close() }()
				server, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", to)
				if err != nil {
					return
				}
				defer func() { _ = server.Close() }()
				faults[n%len(faults)](client, server)
			}()
		}
	}()
	return listener.Addr().String()
}

func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}

// networkFaults returns the faults of a connection.
func networkFaults() []func(client, server net.Conn) {
	pass := func(client, server net.Conn) {
		go func() { _, _ = io.Copy(server, client) }()
		_, _ = io.Copy(client, server)
	}
	return []func(client, server net.Conn){
		pass,
		func(client, server net.Conn) { // latency
			<-time.After(100 * time.Millisecond)
			pass(client, server)
		},
		func(client, _ net.Conn) { reset(client) }, // reset before the request
		func(client, server net.Conn) { // reset within the request
			_, _ = io.CopyN(server, client, 100)
			reset(client)
		},
		func(client, server net.Conn) { // reset after it, before the answer
			go func() { _, _ = io.Copy(server, client) }()
			_, _ = server.Read(make([]byte, 1))
			reset(client)
		},
		func(client, server net.Conn) { // one byte at a time
			go func() {
				for one := make([]byte, 1); ; {
					if _, err := client.Read(one); err != nil {
						return
					}
					if _, err := server.Write(one); err != nil {
						return
					}
				}
			}()
			_, _ = io.Copy(client, server)
		},
		func(client, _ net.Conn) { // a black hole
			_ = client.SetDeadline(time.Now().Add(300 * time.Millisecond))
			_, _ = io.Copy(io.Discard, client)
		},
	}
}

// forwarding is a receiver in this process whose deliveries go to a URL.
func forwarding(t *testing.T, url string) *served {
	t.Helper()
	var queue *receiver.Queue
	s := serve(t, receiver.Options{Secrets: []secret.Text{testSecret}, Stored: func() { queue.Wake() }})
	made, err := receiver.NewTarget(url, receiver.TargetOptions{Parallel: 8})
	if err != nil {
		t.Fatal(err)
	}
	queue = receiver.NewQueue(s.journal, []receiver.Route{{Event: "*", App: made}}, nil)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		queue.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return s
}

// settled waits until no delivery is pending.
func (s *served) settled(t *testing.T) {
	t.Helper()
	for range 6000 {
		waiting, err := s.journal.Count(t.Context(), journal.Filter{States: []journal.State{journal.Pending}})
		if err != nil {
			t.Fatal(err)
		}
		if waiting == 0 {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	t.Fatal("deliveries still wait")
}

// Network faults on both sides lose no delivery, and each object keeps its order.
func TestNetworkFaultsLoseNothing(t *testing.T) {
	t.Parallel()
	app := newArrivals()
	server := httptest.NewServer(app)
	defer server.Close()
	s := forwarding(t, "http://"+proxy(t, server.Listener.Addr().String(), networkFaults()...))
	url, sent := "http://"+proxy(t, s.address, networkFaults()...)+"/", newSenders(8)
	client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	var all sync.WaitGroup
	for object := range sent.next {
		all.Go(func() {
			for n := range 8 {
				m := newMessage(object, n)
				for status := 0; status != http.StatusOK && t.Context().Err() == nil; { // as Tripletex repeats
					status, _ = post(t.Context(), client, url, m)
				}
				sent.mu.Lock()
				sent.acked[m.key] = true
				sent.mu.Unlock()
			}
		})
	}
	all.Wait()
	s.settled(t)
	app.check(t, sent)
	if got := s.stored(t); got != 64 {
		t.Errorf("%d stored, 64 sent", got)
	}
}

// exchange sends a request over a connection that stays open, and returns the first line of an answer without a body.
// It costs a tenth of what a client of net/http does, so that the receiver is kept busy and not the client.
func exchange(c *bufio.ReadWriter, text string) (status string, err error) {
	if _, err = c.WriteString(text); err == nil {
		err = c.Flush()
	}
	for line := "-"; err == nil && line != "\r\n"; {
		if line, err = c.ReadString('\n'); status == "" {
			status = strings.TrimSpace(line)
		}
	}
	return status, err
}

// Every delivery comes fifty times at once, and reaches the app once.
func TestRepeatsAreForwardedOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("not a unit test")
	}
	t.Parallel()
	app := newArrivals()
	server := httptest.NewServer(app)
	defer server.Close()
	folder, keys := filepath.Join(t.TempDir(), "journal"), size("repeats", 20)
	p := startListen(t, folder, nil, "--forward-to", server.URL)
	defer p.kill()
	address := strings.Trim(strings.TrimPrefix(p.url, "http://"), "/")
	connections := make([]*bufio.ReadWriter, 50)
	for i := range connections {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		connections[i] = bufio.NewReadWriter(bufio.NewReader(conn), bufio.NewWriter(conn))
	}
	for n := range keys {
		m := newMessage(n%20, n)
		text := strings.Replace(valid(m.key, string(m.body)), "Connection: close\r\n", "", 1)
		var all sync.WaitGroup
		for _, c := range connections {
			all.Go(func() {
				switch status, err := exchange(c, text); {
				case err != nil:
					t.Error(err)
				case status != "HTTP/1.1 200 OK":
					t.Errorf("status = %q, want %q", status, "HTTP/1.1 200 OK")
				}
			})
		}
		all.Wait()
	}
	waitUntilForwarded(t, folder)
	app.mu.Lock()
	defer app.mu.Unlock()
	if len(app.count) != keys {
		t.Errorf("%d of %d reached the app", len(app.count), keys)
	}
	for key, n := range app.count {
		if n != 1 {
			t.Errorf("%s was forwarded %d times", key, n)
		}
	}
}
