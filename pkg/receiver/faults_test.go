//go:build unix

package receiver_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/secret"
)

// missing skips a test where something is not installed or not allowed; in CI that is a failure.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// sendFor lets all send for a time.
func (s *senders) sendFor(t *testing.T, p *process, lasting time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), lasting)
	defer cancel()
	s.send(ctx, p.url)
}

// resumes tells whether a delivery is accepted within twenty seconds.
func (s *senders) resumes(t *testing.T, p *process) bool {
	t.Helper()
	m := newMessage(1000, len(s.sent))
	s.sent[m.key] = m
	for range 400 {
		if status, err := post(t.Context(), http.DefaultClient, p.url, m); err == nil && status == http.StatusOK {
			s.acked[m.key] = true
			return true
		}
		<-time.After(50 * time.Millisecond)
	}
	return false
}

// A system call of the journal fails, or the process is killed in it: nothing is acknowledged that is not on disk,
// and after a failure the service resumes by itself.
func TestFailingSystemCallsLoseNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("not a unit test")
	}
	t.Parallel()
	strace, err := exec.LookPath("strace")
	if err != nil {
		missing(t, "there is no strace")
	}
	nth := []int{2, 5, 11}
	hit := 0
	for _, call := range []string{"fdatasync", "pwrite64"} {
		for _, fault := range []string{"error=EIO", "error=ENOSPC", "signal=SIGKILL"} {
			for _, n := range nth {
				folder, s := filepath.Join(t.TempDir(), "journal"), newSenders(4)
				// It is made before, so that the faults meet the receiving.
				switch j, err := journal.Open(folder, journal.Options{}); {
				case err != nil:
					t.Fatal(err)
				case j.Close() != nil:
					t.Fatal(err)
				}
				inject := fmt.Sprintf("inject=%s:%s:when=%d", call, fault, n)
				p := startListen(t, folder, []string{strace, "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + call, "-e", inject})
				if p.url != "" {
					hit++
					s.sendFor(t, p, 300*time.Millisecond)
					if fault != "signal=SIGKILL" && !s.resumes(t, p) {
						t.Errorf("%s: the service does not resume", inject)
					}
				}
				p.kill()
				if got := s.compare(t, folder); got.lost+got.invented+got.altered > 0 {
					t.Errorf("%s: %+v", inject, got)
				}
			}
		}
	}
	if hit == 0 {
		t.Error("it never listened below strace")
	}
}

// smallDisk returns the folder of a file system of a size.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		missing(t, "only root can make a small disk")
	}
	disk := t.TempDir()
	said, err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size="+size+",mode=0700", "tmpfs", disk).CombinedOutput()
	if err != nil {
		missing(t, fmt.Sprintf("a small disk cannot be made: %s", said))
	}
	t.Cleanup(func() { _ = exec.CommandContext(context.Background(), "umount", "-l", disk).Run() })
	return disk
}

// fillUp writes a file until no byte is left on its disk.
func fillUp(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for size := 1 << 20; size > 0; size /= 16 {
		for block := make([]byte, size); err == nil; {
			_, err = file.Write(block)
		}
		if err = nil; size == 1 {
			return
		}
	}
}

// Deliveries can be purged where not a byte is left on the disk, and then others are accepted.
func TestPurgeWorksOnAFullDisk(t *testing.T) {
	if testing.Short() {
		t.Skip("not a unit test")
	}
	t.Parallel()
	for name, test := range map[string]struct {
		count, size int
		stop        syscall.Signal // of listen, before the disk is full; 0 for none
	}{
		"beside listen":              {45, 900_000, 0},
		"after listen":               {2000, 500, syscall.SIGTERM},
		"after listen, large bodies": {45, 900_000, syscall.SIGTERM},
		"after listen, one delivery": {1, 100, syscall.SIGTERM},
		"after a kill, large bodies": {45, 900_000, syscall.SIGKILL},
	} {
		t.Run(name, func(t *testing.T) {
			disk := smallDisk(t, "130m")
			folder, s := filepath.Join(disk, "journal"), newSenders(8)
			p := startListen(t, folder, nil, "--min-free", "0")
			s.sendSized(t, p, test.count, test.size)
			if test.stop != 0 {
				_ = p.command.Process.Signal(test.stop)
				_ = p.command.Wait()
			}
			fillUp(t, filepath.Join(disk, "ballast"))
			purge := exec.CommandContext(t.Context(), program(t), "delivery", "purge", "--state", "pending", "--yes", "--journal", folder)
			purge.Env = append(os.Environ(), "HOME="+disk)
			said, err := purge.CombinedOutput()
			if err != nil || !strings.Contains(string(said), strconv.Itoa(test.count)) {
				t.Fatalf("%v: %s", err, said)
			}
			if info, err := os.Stat(filepath.Join(folder, "journal.db")); err != nil || info.Size() > 1<<20 {
				t.Errorf("the file has %d bytes, error %v", info.Size(), err)
			}
			if test.stop == 0 && !s.resumes(t, p) {
				t.Error("nothing is accepted afterwards")
			}
		})
	}
}

// A journal that is receiving can be purged, as by retention, after its writes have failed for want of space.
func TestReceivingJournalIsPurgedOnAFullDisk(t *testing.T) {
	if testing.Short() {
		t.Skip("not a unit test")
	}
	t.Parallel()
	for name, size := range map[string]int{"small bodies": 100, "usual bodies": 1000, "bodies of 40 kB": 40_000, "large bodies": 900_000} {
		t.Run(name, func(t *testing.T) {
			disk := smallDisk(t, "100m")
			j, err := journal.Open(filepath.Join(disk, "journal"), journal.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = j.Close() }()
			if err := j.KeepReserve(); err != nil {
				t.Fatal(err)
			}
			d := journal.Delivery{Event: "order.update", Received: time.Now(), Body: []byte(strings.Repeat("x", size))}
			stored := int64(0)
			for ; stored < 20_000; stored++ {
				if stored == 5 {
					fillUp(t, filepath.Join(disk, "ballast"))
				}
				d.Key, d.ObjectID = strconv.FormatInt(stored, 10), stored
				if _, err := j.Append(t.Context(), d); err != nil {
					break
				}
			}
			if j.Healthy() == nil {
				t.Fatal("the disk is not full")
			}
			if n, err := j.Purge(t.Context(), journal.Filter{}, nil); err != nil || n < stored {
				t.Errorf("%d of %d purged, error %v", n, stored, err)
			}
			if d.Key = "later"; t.Failed() {
				return
			}
			if _, err := j.Append(t.Context(), d); err != nil {
				t.Error(err)
			}
		})
	}
}

// sendSized lets all together send deliveries of a size.
func (s *senders) sendSized(t *testing.T, p *process, count, size int) {
	t.Helper()
	numbers := make(chan int)
	var all sync.WaitGroup
	for range s.next {
		all.Go(func() {
			for n := range numbers {
				m := newMessage(n, n)
				m.body = fmt.Appendf(nil, `{"subscriptionId":1,"event":"order.update","id":%d,"value":%q}`, n, strings.Repeat("x", size))
				if status, err := post(t.Context(), http.DefaultClient, p.url, m); err != nil || status != http.StatusOK {
					t.Errorf("answered %d, error %v", status, err)
				}
			}
		})
	}
	for n := range count {
		numbers <- n
	}
	close(numbers)
	all.Wait()
}

// A full disk is answered with 503, and with 200 again once there is room.
func TestFullDiskIsSurvived(t *testing.T) {
	if testing.Short() {
		t.Skip("not a unit test")
	}
	t.Parallel()
	disk := smallDisk(t, "8m")
	ballast, folder, s := filepath.Join(disk, "ballast"), filepath.Join(disk, "journal"), newSenders(8)
	if err := os.WriteFile(ballast, make([]byte, 6<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startListen(t, folder, nil, "--min-free", "0")
	refused := 0
	for n := 0; refused < 5 && n < 20000; n++ {
		m := newMessage(n%50, n)
		s.sent[m.key] = m
		switch status, err := post(t.Context(), http.DefaultClient, p.url, m); {
		case err != nil:
			t.Fatal(err)
		case status == http.StatusOK:
			s.acked[m.key] = true
		case status == http.StatusServiceUnavailable:
			refused++
		default:
			t.Fatalf("answered %d", status)
		}
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if refused == 0 {
		t.Error("refused = 0")
	}
	if !s.resumes(t, p) {
		t.Errorf("%d refused; does it resume?", refused)
	}
	p.kill()
	switch got := s.compare(t, folder); {
	case got.lost+got.invented+got.altered > 0:
		t.Errorf("got.lost+got.invented+got.altered = %v, want 0", got.lost+got.invented+got.altered)
	case got.acknowledged == 0:
		t.Error("got.acknowledged = 0")
	}
	// With a reserve nothing is accepted long before.
	guarded := startListen(t, folder, nil, "--min-free", "256")
	defer guarded.kill()
	switch status, err := post(t.Context(), http.DefaultClient, guarded.url, newMessage(1, 1_000_000)); {
	case err != nil:
		t.Error(err)
	case status != http.StatusServiceUnavailable:
		t.Errorf("status = %v, want %v", status, http.StatusServiceUnavailable)
	}
}

// proxy leads to an address, and does something to each connection in turn.
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

// networkFaults are what a network does to a connection.
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

// settled waits until nothing waits to be forwarded.
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

// Whatever the network does on both sides, everything arrives, in order for each object.
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
