//go:build unix

package cli_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tlxhook/tlxhook/pkg/webhook"
)

const clusterSecret = "a-secret-of-the-cluster"

// cluster are three NATS servers, each a process of its own.
type cluster struct {
	servers []*running
	urls    string
}

func startCluster(t testing.TB) *cluster {
	t.Helper()
	var ports, routes, urls []string
	for range 3 {
		for _, to := range []*[]string{&ports, &routes} {
			port, err := freePort()
			if err != nil {
				t.Fatal(err)
			}
			*to = append(*to, port)
		}
		urls = append(urls, "nats://127.0.0.1:"+ports[len(ports)-1])
	}
	c := &cluster{urls: strings.Join(urls, ",")}
	folder := t.TempDir()
	for i := range 3 {
		config := filepath.Join(folder, fmt.Sprintf("%d.conf", i))
		text := fmt.Sprintf("server_name: n%d\nlisten: 127.0.0.1:%s\njetstream: {store_dir: %q, sync_interval: always}\n"+
			"cluster: {name: c, listen: 127.0.0.1:%s, routes: [%s]}\nlogfile: %q\n",
			i, ports[i], filepath.Join(folder, strconv.Itoa(i)), routes[i],
			"nats://127.0.0.1:"+strings.Join(routes, ", nats://127.0.0.1:"), config+".log")
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c.servers = append(c.servers, startProcess(t, "never", "nats-server", config))
	}
	return c
}

// running is a process that a test has started.
type running struct {
	command *exec.Cmd
	ended   chan struct{}
	// said are the lines on standard error that begin with the wanted words.
	said chan string
	all  []string // every line, once said is closed
}

// startProcess starts a command of the test, and kills it at the end of the test.
func startProcess(t testing.TB, wanted string, args ...string) *running {
	t.Helper()
	command := exec.CommandContext(context.Background(), need(t, args[0]), args[1:]...)
	home := t.TempDir()
	command.Env = append(os.Environ(), "HOME="+home, "XDG_RUNTIME_DIR="+home, "TLXHOOK_HMAC_SECRET="+clusterSecret)
	reader, writer := io.Pipe()
	command.Stderr, command.WaitDelay = writer, time.Second
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	r := &running{command: command, ended: make(chan struct{}), said: make(chan string, 100)}
	go func() {
		_ = command.Wait()
		_ = writer.Close()
		close(r.ended)
	}()
	go func() {
		defer close(r.said)
		for lines := bufio.NewScanner(reader); lines.Scan(); {
			r.all = append(r.all, lines.Text())
			if rest, found := strings.CutPrefix(lines.Text(), wanted); found {
				r.said <- rest
			}
		}
	}()
	t.Cleanup(r.kill)
	return r
}

// kill ends a process as a failing machine does.
func (r *running) kill() {
	_ = r.command.Process.Kill()
	<-r.ended
}

// startListener starts a receiver that publishes, and returns its URL. The servers may need some time to agree.
func (c *cluster) startListener(t testing.TB) (*running, string) {
	t.Helper()
	for range 60 {
		r := startProcess(t, "listening on ", "tlxhook", "listen", "--addr", "127.0.0.1:0", "--publish", c.urls, "--replicas", "3")
		if url, ok := <-r.said; ok {
			return r, url
		}
		<-time.After(500 * time.Millisecond)
	}
	t.Fatal("no receiver starts")
	return nil, ""
}

// stream connects to the stream that the receivers have made.
func (c *cluster) stream(t *testing.T) jetstream.Stream {
	t.Helper()
	conn, err := nats.Connect(c.urls, nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	found, err := js.Stream(t.Context(), "tripletex")
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// stored are the deliveries of a stream, in its order: their keys, and the objects that they are about.
func stored(t *testing.T, s jetstream.Stream) (keys []string, objects map[string]int64) {
	t.Helper()
	objects = map[string]int64{}
	info, err := s.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for seq := info.State.FirstSeq; seq <= info.State.LastSeq; seq++ {
		m, err := s.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		e, err := webhook.ParseEnvelope(m.Data)
		if err != nil {
			t.Fatal(err)
		}
		key := m.Header.Get(webhook.KeyHeader)
		keys, objects[key] = append(keys, key), e.ID
	}
	return keys, objects
}

// sendAll sends the deliveries from to total of the given number of objects over 16 connections and returns the accepted ones.
// Like Tripletex it retries each until a receiver accepts it. trouble is called after the delivery of that number.
func sendAll(t testing.TB, receivers []string, from, total, objects int, trouble map[int]func()) map[string]bool {
	t.Helper()
	var mu sync.Mutex
	accepted, started := map[string]bool{}, from
	client := &http.Client{Timeout: 10 * time.Second}
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for {
				mu.Lock()
				n := started
				started++
				do := trouble[len(accepted)]
				delete(trouble, len(accepted))
				mu.Unlock()
				if do != nil {
					do()
				}
				if n >= total {
					return
				}
				key := fmt.Sprintf("key-%06d", n)
				for try := n; !sendOne(t, client, receivers[try%len(receivers)], key, n%objects); try++ {
					if t.Context().Err() != nil {
						return
					}
				}
				mu.Lock()
				accepted[key] = true
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return accepted
}

// sendOne sends one delivery and tells whether it was accepted.
func sendOne(t testing.TB, client *http.Client, url, key string, object int) bool {
	body := fmt.Sprintf(`{"subscriptionId":4711,"event":"order.update","id":%d,"value":{"id":%[1]d,"key":%q}}`, object, key)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return false
	}
	request.Header.Set(webhook.KeyHeader, key)
	request.Header.Set(webhook.SignatureHeader, webhook.Sign(clusterSecret, key, []byte(body)))
	response, err := client.Do(request)
	if err != nil {
		<-time.After(10 * time.Millisecond)
		return false
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// arrived is an app that remembers which deliveries came, in their order.
type arrived struct {
	mu   sync.Mutex
	keys []string
	seen map[string]bool
}

func (a *arrived) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	<-time.After(2 * time.Millisecond) // an app does something
	a.mu.Lock()
	defer a.mu.Unlock()
	key := r.Header.Get(webhook.KeyHeader)
	a.keys, a.seen[key] = append(a.keys, key), true
}

func (a *arrived) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.seen)
}

// await waits until so many deliveries have come.
func (a *arrived) await(t testing.TB, wanted int) {
	t.Helper()
	for start := time.Now(); a.count() < wanted; {
		if time.Since(start) > time.Minute {
			t.Fatalf("%d of %d came within a minute", a.count(), wanted)
		}
		<-time.After(time.Millisecond)
	}
}

// byObject returns the first arrivals of the deliveries of each object.
func byObject(keys []string, objects map[string]int64) map[int64][]string {
	seen, lists := map[string]bool{}, map[int64][]string{}
	for _, key := range keys {
		if !seen[key] {
			lists[objects[key]] = append(lists[objects[key]], key)
		}
		seen[key] = true
	}
	return lists
}

// Three servers, two receivers, two copies of a forwarder, all processes of their own. Under load the server that leads
// the stream is killed, and then a receiver: nothing that was acknowledged is lost, and nothing is stored twice. Then the
// copy that forwards is killed: all reaches the app at least once, in the order of each object, and only what was in
// flight comes twice.
func TestNoPartOfTheClusterIsMissed(t *testing.T) {
	long(t)
	t.Parallel()
	const total, all, objects, parallel = 1500, 1700, 40, 8
	c := startCluster(t)
	one, first := c.startListener(t)
	_, second := c.startListener(t)
	s := c.stream(t)
	killLeader := func() {
		info, err := s.Info(t.Context())
		if err != nil {
			t.Error(err)
			return
		}
		n, _ := strconv.Atoi(strings.TrimPrefix(info.Cluster.Leader, "n"))
		c.servers[n].kill()
	}
	accepted := sendAll(t, []string{first, second}, 0, total, objects, map[int]func(){total / 3: killLeader, 2 * total / 3: one.kill})
	keys, about := stored(t, s)
	lost := 0
	for key := range accepted {
		if about[key] == 0 && !slices.Contains(keys, key) {
			lost++
		}
	}
	switch {
	case lost > 0:
		t.Errorf("lost = %v, want 0", lost)
	case len(accepted) != total:
		t.Errorf("len(accepted) = %v, want %v", len(accepted), total)
	case len(keys) != total:
		t.Errorf("len(keys) = %v, want %v", len(keys), total)
	}
	app := &arrived{seen: map[string]bool{}}
	server := httptest.NewServer(app)
	defer server.Close()
	forwarder := func() *running {
		return startProcess(t, "this copy forwards now", "tlxhook", "forward", "--from", c.urls, "--forward-to", server.URL,
			"--takeover", "4s", "--parallel", strconv.Itoa(parallel))
	}
	active := forwarder()
	if _, ok := <-active.said; !ok {
		t.Fatalf("no copy forwards: %q", active.all)
	}
	forwarder()
	app.await(t, total/3)
	active.kill()
	sendAll(t, []string{second}, total, all, objects, nil) // what is newer must not get ahead
	app.await(t, all)
	keys, about = stored(t, s)
	app.mu.Lock()
	defer app.mu.Unlock()
	switch twice := len(app.keys) - len(app.seen); {
	case len(app.seen) != all:
		t.Errorf("len(app.seen) = %v, want %v", len(app.seen), all)
	case twice > parallel:
		t.Errorf("twice = %v, want at most %v", twice, parallel)
	}
	want, got := byObject(keys, about), byObject(app.keys, about)
	for object, order := range want {
		if !slices.Equal(order, got[object]) {
			t.Errorf("object %d: %v came as %v", object, order, got[object])
		}
	}
	t.Logf("%d accepted, %d stored, %d lost, %d came twice to the app", len(accepted), len(keys), lost, len(app.keys)-len(app.seen))
}

// BenchmarkCluster is what two receivers take and one forwarder hands over, with three servers that store everything
// twice more and sync it at once, all on one machine with whoever sends.
func BenchmarkCluster(b *testing.B) {
	const objects = 1000
	c := startCluster(b)
	_, first := c.startListener(b)
	_, second := c.startListener(b)
	app := &arrived{seen: map[string]bool{}}
	server := httptest.NewServer(app)
	defer server.Close()
	start := time.Now()
	sendAll(b, []string{first, second}, 0, b.N, objects, nil)
	b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "deliveries/s")
	forwarder := startProcess(b, "this copy forwards now", "tlxhook",
		"forward", "--from", c.urls, "--forward-to", server.URL, "--parallel", "16")
	<-forwarder.said
	start = time.Now()
	app.await(b, b.N)
	b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "forwarded/s")
}
