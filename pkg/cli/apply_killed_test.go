package cli_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/sandbox"
)

// killer is a sandbox that kills the process that asks it, at one of its requests, before or after the work of the
// request is done. It counts requests and writes.
type killer struct {
	sandbox  *sandbox.Sandbox
	at       atomic.Int64 // 0 for never
	after    bool
	process  chan *os.Process
	killed   atomic.Bool
	requests atomic.Int64
	writes   atomic.Int64
}

func (k *killer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := k.requests.Add(1)
	if r.Method != http.MethodGet && strings.Contains(r.URL.Path, "/event/subscription") {
		k.writes.Add(1)
	}
	if n != k.at.Load() {
		k.sandbox.ServeHTTP(w, r)
		return
	}
	if k.after {
		k.sandbox.ServeHTTP(httptest.NewRecorder(), r)
	}
	process := <-k.process
	k.killed.Store(true) // before, as the test looks as soon as the process has ended
	if process.Kill() != nil {
		k.killed.Store(false)
	}
	panic(http.ErrAbortHandler)
}

const killedManifest = `version: 1
owns: ["https://hooks.example.no/"]
defaults:
  target: https://hooks.example.no/t
  hmacSecret: {env: HOOK_HMAC}
subscriptions:
  - events: ["order.*", invoice.charged]
    fields: id,version
`

// killedWorld has something to create, to update, to delete, and to leave alone.
func killedWorld(t *testing.T, k *killer) (run func(args ...string) (int, string, string), command *exec.Cmd) {
	t.Helper()
	home := t.TempDir()
	k.sandbox, k.process = sandbox.New(sandbox.NewMemory(sandbox.DefaultOptions())), make(chan *os.Process, 1)
	server := httptest.NewServer(k)
	t.Cleanup(server.Close)
	if err := os.WriteFile(filepath.Join(home, "hooks.yaml"), []byte(killedManifest), 0o600); err != nil {
		t.Fatal(err)
	}
	environ := []string{
		"HOME=" + home, "XDG_RUNTIME_DIR=" + home, "TLXHOOK_PROFILE=sandbox", "TLXHOOK_BASE_URL=" + server.URL + "/v2",
		"HOOK_HMAC=a-secret-of-a-killed-run", "GORACE=atexit_sleep_ms=0", "TMPDIR=" + home,
	}
	run = func(args ...string) (int, string, string) { return runIn(environ, args...) }
	for _, args := range [][]string{
		{"order.create", "product.create", "--target", "https://hooks.example.no/t"},
		{"customer.create", "--target", "https://elsewhere.example.no/"},
	} {
		if code, _, stderr := run(append([]string{"sub", "create"}, args...)...); code != 0 {
			t.Fatal(stderr)
		}
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command = exec.CommandContext(t.Context(), program)
	command.Args = []string{"tlxhook", "apply", "-f", filepath.Join(home, "hooks.yaml"), "--prune", "--yes"} // TestMain goes by the name
	command.Env = environ
	return run, command
}

// applyRequests is what an apply costs that has a pattern, and something to do for every verb: the events, the list,
// one write for each verb, and the list that proves it.
const applyRequests = 6

func TestApplyIsOneRequestForEachVerb(t *testing.T) {
	t.Parallel()
	k := &killer{}
	run, command := killedWorld(t, k)
	before := k.requests.Load()
	code, stdout, stderr := run(command.Args[1:]...)
	switch got := k.requests.Load() - before; {
	case code != 0:
		t.Errorf("exit %d after %d requests\n%s%s", code, got, stdout, stderr)
	case got != applyRequests:
		t.Errorf("exit %d after %d requests\n%s%s", code, got, stdout, stderr)
	case !strings.Contains(stderr, "3 created, 1 updated, 1 deleted"):
		t.Errorf("exit %d after %d requests\n%s%s", code, got, stdout, stderr)
	}
}

// A run that is killed before or after any of its requests leaves what the next run makes right: nothing twice,
// nothing lost, nothing deleted that is not owned. The run after that writes nothing.
func TestKilledApplyIsMadeRightByTheNext(t *testing.T) {
	long(t)
	t.Parallel()
	const want = "customer.create https://elsewhere.example.no/\ninvoice.charged https://hooks.example.no/t\n" +
		"order.create https://hooks.example.no/t\norder.delete https://hooks.example.no/t\norder.update https://hooks.example.no/t\n"
	for at := range int64(2 * applyRequests) {
		k := &killer{after: at%2 == 1}
		run, command := killedWorld(t, k)
		k.at.Store(k.requests.Load() + 1 + at/2)
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		k.process <- command.Process
		switch err := command.Wait(); {
		case err == nil:
			t.Fatal("no error")
		case !k.killed.Load():
			t.Fatalf("the run was not killed, but ended with %v", err)
		}
		where := fmt.Sprintf("killed at request %d, after its work: %v", 1+at/2, k.after)
		if code, stdout, stderr := run(command.Args[1:]...); code != 0 {
			t.Errorf("%s: the next run: exit %d\n%s%s", where, code, stdout, stderr)
		}
		k.writes.Store(0)
		switch code, stdout, stderr := run(command.Args[1:]...); {
		case code != 0:
			t.Errorf("%s: the run after that: exit %d, %d writes\n%s%s", where, code, k.writes.Load(), stdout, stderr)
		case k.writes.Load() > 0:
			t.Errorf("%s: the run after that: exit %d, %d writes\n%s%s", where, code, k.writes.Load(), stdout, stderr)
		}
		if _, got, _ := run("sub", "list", "--jq", `map(.event + " " + .targetUrl) | sort | .[]`); got != want {
			t.Errorf("%s: there is\n%swant\n%s", where, got, want)
		}
	}
}
