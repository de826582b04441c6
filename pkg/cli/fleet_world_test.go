package cli_test

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/sandbox"
)

// clients is a sandbox with many client companies, which programs ask over the network. It counts what they ask.
type clients struct {
	store   sandbox.Store
	api     http.Handler
	home    string
	environ []string

	mu     sync.Mutex
	meet   func(r *http.Request, n int) // before a request is answered, with its number among those of its method; may be nil
	asked  map[string]int               // by method; "login" for new sessions, "429" for answers of that
	flying sync.WaitGroup
}

const clientsManifest = `version: 1
companies: {all: true}
subscriptions: [{event: order.create, target: "https://hooks.example.no/t"}]
`

// newClients returns so many companies, each with a subscription where that is said.
func newClients(t *testing.T, n int, limit sandbox.RateLimit, subscribed bool) *clients {
	t.Helper()
	o := sandbox.Options{Companies: n, RateLimit: limit}
	if subscribed {
		o.Subscriptions = n
	}
	c := &clients{home: t.TempDir(), store: sandbox.NewMemory(o), asked: map[string]int{}}
	c.api = sandbox.New(c.store)
	c.change(t, spread)
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.environ = []string{
		"HOME=" + c.home, "XDG_RUNTIME_DIR=" + c.home, "TLXHOOK_PROFILE=sandbox", "TLXHOOK_BASE_URL=" + server.URL + "/v2",
		"TLXHOOK_TIMEOUT=2m", "GORACE=atexit_sleep_ms=0",
	}
	if err := os.WriteFile(c.manifest(), []byte(clientsManifest), 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

// spread gives each subscription of a sandbox to another company.
func spread(s *sandbox.State) {
	for i := range s.Subscriptions {
		s.Subscriptions[i].Company = s.Companies[i].ID
	}
}

func noLimit() sandbox.RateLimit { return sandbox.RateLimit{Requests: 1e6, Period: time.Second} }

func (c *clients) manifest() string { return filepath.Join(c.home, "clients.yaml") }

func (c *clients) change(t *testing.T, change func(*sandbox.State)) {
	t.Helper()
	if err := c.store.Update(context.Background(), func(s *sandbox.State) error { change(s); return nil }); err != nil {
		t.Error(err)
	}
}

func (c *clients) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.flying.Add(1)
	defer c.flying.Done()
	c.mu.Lock()
	kind := r.Method
	if strings.Contains(r.URL.Path, "/token/session/") {
		kind = "login"
	}
	c.asked[kind]++
	n, meet := c.asked[kind], c.meet
	c.mu.Unlock()
	if meet != nil && kind != "login" {
		meet(r, n)
	}
	answer := httptest.NewRecorder()
	c.api.ServeHTTP(answer, r)
	if answer.Code == http.StatusTooManyRequests {
		c.mu.Lock()
		c.asked["429"]++
		c.mu.Unlock()
	}
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = answer.Body.WriteTo(w)
}

// idle waits for the requests that a killed process has left.
func (c *clients) idle() { c.flying.Wait() }

// meeting sets what is called before requests are answered, or nothing.
func (c *clients) meeting(meet func(r *http.Request, n int)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.meet = meet
}

// count returns how many requests of a kind came, and begins anew.
func (c *clients) count(kind string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.asked[kind]
	c.asked[kind] = 0
	return n
}

// statuses counts the subscriptions by status.
func (c *clients) statuses(t *testing.T) map[string]int {
	t.Helper()
	count := map[string]int{}
	c.change(t, func(s *sandbox.State) {
		for _, one := range s.Subscriptions {
			count[one.Status]++
		}
	})
	return count
}

// process returns a command of its own process, and where its streams will be.
func (c *clients) process(t *testing.T, args ...string) (command *exec.Cmd, stdout, stderr *bytes.Buffer) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	command = exec.CommandContext(t.Context(), program)
	command.Args = append([]string{"tlxhook"}, args...) // TestMain goes by the name
	command.Env, command.Stdout, command.Stderr = c.environ, stdout, stderr
	return command, stdout, stderr
}
