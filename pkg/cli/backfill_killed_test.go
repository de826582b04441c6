package cli_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/sandbox"
)

// killedObjects are more than fit on one page.
const killedObjects = 1100

// forwardKiller is an app that kills the process that forwards to it, at one of its deliveries. It counts what it got.
type forwardKiller struct {
	mu      sync.Mutex
	at      int
	all     int
	got     map[string]int // by key
	process chan *os.Process
}

func (k *forwardKiller) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.got[r.Header.Get("Idempotency-Key")]++
	if k.all++; k.all == k.at {
		_ = (<-k.process).Kill()
	}
}

// A backfill that is killed before any of its requests, or while it forwards, goes on where it was: nothing is stored
// twice, and the app gets everything, twice only what it was given when that happened.
func TestKilledBackfillGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	box := sandbox.NewMemory(sandbox.DefaultOptions())
	_, err := sandbox.NewDeliverer(box, nil).Emit(t.Context(), sandbox.Emission{Event: "product.create", Count: killedObjects})
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []struct{ request, delivery int }{{2, 0}, {3, 0}, {4, 0}, {5, 0}, {6, 0}, {7, 0}, {0, 1}, {0, 500}} {
		t.Run(fmt.Sprintf("request %d, delivery %d", at.request, at.delivery), func(t *testing.T) {
			t.Parallel()
			api := &killer{sandbox: sandbox.New(box), process: make(chan *os.Process, 1)}
			api.at.Store(int64(at.request))
			app := &forwardKiller{at: at.delivery, got: map[string]int{}, process: api.process}
			apiServer, appServer := httptest.NewServer(api), httptest.NewServer(app)
			defer apiServer.Close()
			defer appServer.Close()
			home := t.TempDir()
			environ := []string{
				"HOME=" + home, "XDG_RUNTIME_DIR=" + home, "TLXHOOK_PROFILE=sandbox", "TLXHOOK_BASE_URL=" + apiServer.URL + "/v2",
				"GORACE=atexit_sleep_ms=0", "TMPDIR=" + home,
			}
			program, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			command := exec.CommandContext(t.Context(), program)
			command.Args = []string{"tlxhook", "backfill", "product", "--forward-to", appServer.URL} // TestMain goes by the name
			command.Env = environ
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			api.process <- command.Process
			if err := command.Wait(); err == nil {
				t.Fatal("the run was not killed")
			}
			if code, stdout, stderr := runIn(environ, command.Args[1:]...); code != 0 {
				t.Fatalf("the next run: exit %d\n%s%s", code, stdout, stderr)
			}
			app.mu.Lock()
			switch again := app.all - len(app.got); {
			case len(app.got) != killedObjects:
				t.Errorf("len(app.got) = %v, want %v", len(app.got), killedObjects)
			case again > 8:
				t.Errorf("again = %v, want at most 8", again)
			}
			before := app.all
			app.mu.Unlock()
			code, stdout, stderr := runIn(environ, command.Args[1:]...)
			switch want := fmt.Sprintf("product\t%d\t%[1]d\t0\t0\t0\t0\t\n", killedObjects); {
			case code != 0:
				t.Errorf("the run after that: exit %d\n%s%s", code, stdout, stderr)
			case stdout != want:
				t.Errorf("the run after that: exit %d\n%s%s", code, stdout, stderr)
			case app.all != before:
				t.Errorf("the run after that: exit %d\n%s%s", code, stdout, stderr)
			}
			_, stdout, _ = runIn(environ, "delivery", "list", "--limit", "0", "-o", "name")
			if stored := strings.Count(stdout, "\n"); stored != killedObjects {
				t.Errorf("%d are stored", stored)
			}
		})
	}
}
