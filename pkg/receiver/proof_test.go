//go:build unix

package receiver_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// hmacSecret is what the deliveries of the tests are signed with.
const hmacSecret = "a-secret-of-the-tests"

const (
	// hastyVariable makes the test binary a receiver that answers before it stores, which the proofs must find out.
	hastyVariable = "RECEIVER_TEST_HASTY"
	// folderVariable names the folder of the program that the tests start.
	folderVariable = "RECEIVER_TEST_FOLDER"
)

func TestMain(m *testing.M) {
	if os.Getenv(hastyVariable) != "" {
		hasty()
		os.Exit(1)
	}
	flag.Int("crash-cycles", 300, "how often the receiver is killed")
	flag.Int("repeats", 1000, "how many deliveries are repeated 50 times")
	flag.Int("backlog", 20_000, "number of deliveries that wait for an app that is down")
	flag.Duration("soak", 8*time.Second, "how long the receiver is under load")
	flag.Int("soak-rate", 500, "how many deliveries a second it gets then")
	// Most proofs wait for the disk or for a limit: more of them go side by side than there are cores.
	if err := flag.Set("test.parallel", "8"); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	flag.Parse()
	os.Exit(runIn(m))
}

// runIn runs the tests with a folder that all of them share.
func runIn(m *testing.M) int {
	folder, err := os.MkdirTemp("", "receiver")
	if err == nil {
		err = os.Setenv(folderVariable, folder)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(folder) }()
	return m.Run()
}

// program returns the path of tlxhook. The first test that needs it builds it, as it is released: below the race
// detector each of the many starts would take ten times as long.
func program(t *testing.T) string {
	t.Helper()
	folder := os.Getenv(folderVariable)
	path := filepath.Join(folder, "tlxhook")
	lock, err := os.OpenFile(filepath.Join(folder, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		defer func() { _ = lock.Close() }() // gives it free
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		return path
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, "../../cmd/tlxhook")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("tlxhook cannot be built: %v: %s", err, said)
	}
	return path
}

// hasty answers first and stores then.
func hasty() {
	j, err := journal.Open(os.Getenv("JOURNAL"), journal.Options{})
	if err != nil {
		return
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return
	}
	fmt.Fprintf(os.Stderr, "listening on http://%s/\n", listener.Addr())
	err = receiver.Serve(context.Background(), listener, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		key := r.Header.Get(webhook.KeyHeader)
		go func() {
			_, _ = j.Append(context.Background(), journal.Delivery{Key: key, Received: time.Now(), Body: body})
		}()
	}))
	fmt.Fprintln(os.Stderr, err)
}

// process is a receiver in a process of its own.
type process struct {
	command *exec.Cmd
	ended   sync.Once
	url     string
	said    *lines
}

// lines collects what a process says.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// startListen starts tlxhook listen below an optional wrapper such as strace, and waits until it listens.
func startListen(t *testing.T, folder string, wrapper []string, args ...string) *process {
	t.Helper()
	return startProgram(t, program(t), folder, wrapper, args...)
}

// startProgram does so with a copy of tlxhook.
func startProgram(t *testing.T, path, folder string, wrapper []string, args ...string) *process {
	t.Helper()
	words := append(append([]string{}, wrapper...), path, "listen", "--addr", "127.0.0.1:0", "--journal", folder, "-o", "ndjson")
	return startProcess(t, append(words, args...), "HOME="+filepath.Dir(folder), "TLXHOOK_HMAC_SECRET="+hmacSecret)
}

// startHasty starts a receiver that answers first and stores then.
func startHasty(t *testing.T, folder string) *process {
	t.Helper()
	return startProcess(t, os.Args[:1], hastyVariable+"=1", "JOURNAL="+folder, "GORACE=atexit_sleep_ms=0")
}

// startProcess starts a program, and waits until it listens.
func startProcess(t *testing.T, words []string, environ ...string) *process {
	t.Helper()
	p := &process{command: exec.CommandContext(t.Context(), words[0], words[1:]...), said: &lines{}}
	p.command.Env = append(os.Environ(), environ...)
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	said, err := p.command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	ready := make(chan string, 1)
	go func() {
		defer close(ready)
		for scanner := bufio.NewScanner(said); scanner.Scan(); {
			p.said.mu.Lock()
			p.said.text.WriteString(scanner.Text() + "\n")
			p.said.mu.Unlock()
			if url, ok := strings.CutPrefix(scanner.Text(), "listening on "); ok {
				ready <- url
			}
		}
	}()
	select {
	case p.url = <-ready:
	case <-time.After(30 * time.Second):
	}
	return p
}

// kill ends the process at once.
func (p *process) kill() {
	p.ended.Do(func() {
		_ = syscall.Kill(-p.command.Process.Pid, syscall.SIGKILL) // with what it runs below strace
		_ = p.command.Wait()
	})
}

// message is a delivery that was sent.
type message struct {
	key  string
	body []byte
}

// newMessage returns the nth delivery about an object.
func newMessage(object, n int) message {
	return message{
		key: fmt.Sprintf("key-%d-%d", object, n),
		body: fmt.Appendf(nil,
			`{"subscriptionId":1,"event":"order.update","id":%d,"value":{"version":%d,"text":%q}}`, object, n, strings.Repeat("&x", n%200)),
	}
}

// post sends a delivery once and returns the status of the answer.
func post(ctx context.Context, client *http.Client, url string, m message) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(m.body))
	if err != nil {
		return 0, err
	}
	request.GetBody = nil
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(webhook.KeyHeader, m.key)
	request.Header.Set(webhook.SignatureHeader, webhook.Sign(hmacSecret, m.key, m.body))
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode, response.Body.Close()
}

// senders send deliveries, each about an object of its own, and remember what was acknowledged.
type senders struct {
	mu    sync.Mutex
	sent  map[string]message
	acked map[string]bool
	next  []int
}

func newSenders(n int) *senders {
	return &senders{sent: map[string]message{}, acked: map[string]bool{}, next: make([]int, n)}
}

// send lets all of them send until the receiver is gone or ctx ends.
func (s *senders) send(ctx context.Context, url string) {
	var all sync.WaitGroup
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: len(s.next)}}
	defer client.CloseIdleConnections()
	for object := range s.next {
		all.Go(func() {
			for ctx.Err() == nil {
				s.mu.Lock()
				m := newMessage(object, s.next[object])
				s.next[object]++
				s.sent[m.key] = m
				s.mu.Unlock()
				status, err := post(ctx, client, url, m)
				if err != nil {
					return
				}
				if status == http.StatusOK {
					s.mu.Lock()
					s.acked[m.key] = true
					s.mu.Unlock()
				}
			}
		})
	}
	all.Wait()
}

// losses are what is wrong in a journal.
type losses struct{ acknowledged, lost, invented, altered int }

// compare holds a journal against what was sent.
func (s *senders) compare(t *testing.T, folder string) losses {
	t.Helper()
	j, err := journal.Open(folder, journal.Options{})
	for range 500 {
		if !errors.Is(err, journal.ErrLocked) {
			break
		}
		<-time.After(10 * time.Millisecond) // what ran below strace ends a little later
		j, err = journal.Open(folder, journal.Options{})
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	found, result := map[string]bool{}, losses{acknowledged: len(s.acked)}
	for e, err := range j.List(t.Context(), journal.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if e, err = j.Get(t.Context(), e.ID); err != nil {
			t.Fatal(err)
		}
		found[e.Key] = true
		switch m, sent := s.sent[e.Key]; {
		case !sent:
			result.invented++
		case !bytes.Equal(m.body, e.Body):
			result.altered++
		}
	}
	for key := range s.acked {
		if !found[key] {
			result.lost++
		}
	}
	return result
}

// arrivals is an app that remembers what it got, in order.
type arrivals struct {
	mu    sync.Mutex
	count map[string]int
	order map[int64][]int // the versions of each object, each when it came first
	wrong []string
}

func newArrivals() *arrivals { return &arrivals{count: map[string]int{}, order: map[int64][]int{}} }

func (a *arrivals) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, err := webhook.Verify(r.Header, body, hmacSecret); err != nil {
		a.wrong = append(a.wrong, err.Error())
		return
	}
	var e struct {
		ID    int64 `json:"id"`
		Value struct {
			Version int `json:"version"`
		} `json:"value"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		a.wrong = append(a.wrong, err.Error())
	}
	key := r.Header.Get(webhook.KeyHeader)
	if a.count[key]++; a.count[key] == 1 {
		a.order[e.ID] = append(a.order[e.ID], e.Value.Version)
	}
}

// check tells whether everything that was acknowledged arrived, in order for each object.
func (a *arrivals) check(t *testing.T, s *senders) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	missing := 0
	for key := range s.acked {
		if a.count[key] == 0 {
			missing++
		}
	}
	switch {
	case missing > 0:
		t.Errorf("missing = %v, want 0", missing)
	case len(a.wrong) > 0:
		t.Errorf("len(a.wrong) = %v, want 0", len(a.wrong))
	}
	for object, versions := range a.order {
		for i := range versions[1:] {
			if versions[i] >= versions[i+1] {
				t.Errorf("object %d: %d came before %d", object, versions[i], versions[i+1])
			}
		}
	}
}
