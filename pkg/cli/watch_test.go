package cli_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const watchService = "../../docs/monitoring/tlxhook-watch.service"

func TestWatchSendsAHeartbeatAfterACompletePoll(t *testing.T) {
	long(t)
	t.Parallel()
	var beats atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { beats.Add(1) }))
	defer server.Close()
	home := t.TempDir()
	file := filepath.Join(home, "url")
	watch := func(url string, more ...string) (code int, stderr string) {
		if err := os.WriteFile(file, []byte(url+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		args := append([]string{"watch", "--heartbeat-url-file", file, "--timeout", "6s", "--debug"}, more...)
		code, stdout, stderr := runInHome(t, home, args...)
		showsNoSecret(t, "watch", stdout+stderr, "canary-path")
		return code, stderr
	}
	switch code, stderr := watch(server.URL + "/canary-path"); {
	case code != 0:
		t.Errorf("%d, %d beats: %s", code, beats.Load(), stderr)
	case beats.Load() != 1:
		t.Errorf("%d, %d beats: %s", code, beats.Load(), stderr)
	case strings.Contains(stderr, "warning"):
		t.Errorf("stderr = %q, want it not to contain %q", stderr, "warning")
	}
	// A failed heartbeat is reported; it does not fail the watch.
	switch code, stderr := watch("http://127.0.0.1:9/canary-path"); {
	case code != 0:
		t.Errorf("%d: %s", code, stderr)
	case strings.Count(stderr, "warning: heartbeat to 127.0.0.1:9") > 1:
		t.Errorf("got = %v, want at most 1", strings.Count(stderr, "warning: heartbeat to 127.0.0.1:9"))
	}
	// An outage sends no heartbeat.
	runInHome(t, home, "sandbox", "fault", "html", "--path", "/event/subscription")
	switch code, stderr := watch(server.URL + "/canary-path"); {
	case code != 0:
		t.Errorf("%d, %d beats: %s", code, beats.Load(), stderr)
	case beats.Load() != 1:
		t.Errorf("%d, %d beats: %s", code, beats.Load(), stderr)
	}
	// With many companies all must answer.
	runInHome(t, home, "sandbox", "fault", "--clear")
	switch code, stderr := watch(server.URL+"/canary-path", "--all-companies"); {
	case code != 0:
		t.Errorf("%d, %d beats: %s", code, beats.Load(), stderr)
	case beats.Load() != 2:
		t.Errorf("%d, %d beats: %s", code, beats.Load(), stderr)
	}
	runInHome(t, home, "sandbox", "fault", "html", "--company", "2002")
	switch code, stderr := watch(server.URL+"/canary-path", "--all-companies"); {
	case code != 0:
		t.Errorf("%d, %d beats: %s", code, beats.Load(), stderr)
	case beats.Load() != 2:
		t.Errorf("%d, %d beats: %s", code, beats.Load(), stderr)
	case !strings.Contains(stderr, "Kystfisk AS (2002) unreachable"):
		t.Errorf("stderr = %q, want it to contain %q", stderr, "Kystfisk AS (2002) unreachable")
	}
}

// service returns the shipped unit with other paths in it.
func service(t *testing.T, paths ...string) string {
	t.Helper()
	raw, err := os.ReadFile(watchService)
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(paths...).Replace(string(raw))
}

func TestWatchServiceIsAUnit(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "tlxhook-watch.service")
	verify := func(unit string) string {
		if err := os.WriteFile(file, []byte(unit), 0o600); err != nil {
			t.Fatal(err)
		}
		output, err := exec.CommandContext(t.Context(), need(t, "systemd-analyze"), "verify", file).CombinedOutput()
		if err != nil {
			return err.Error() + "\n" + string(output)
		}
		return string(output)
	}
	unit := service(t, "/usr/bin/tlxhook", need(t, "true"))
	if output := verify(unit); output != "" {
		t.Error(output)
	}
	if output := verify(strings.Replace(unit, "DynamicUser=yes", "DynamicUsr=yes", 1)); !strings.Contains(output, "DynamicUsr") {
		t.Errorf("a misspelt unit was accepted: %s", output)
	}
}

// The command of the shipped unit, with the shipped program, tells a channel that a subscription died.
func TestWatchServiceNotifiesSlack(t *testing.T) {
	long(t)
	t.Parallel()
	for _, tool := range []string{"curl", "jq", "bash"} {
		need(t, tool)
	}
	posted, beats := make(chan string, 10), make(chan string, 100)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/beat" {
			beats <- "beat"
			return
		}
		raw, _ := io.ReadAll(r.Body)
		posted <- r.URL.Path + " " + string(raw)
	}))
	defer server.Close()
	home := t.TempDir()
	build(t, home)
	runInHome(t, home, "sandbox", "reset", "--subscriptions", "3")
	for name, content := range map[string]string{"slack-url": server.URL + "/slack", "heartbeat-url": server.URL + "/beat"} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	notifier, err := filepath.Abs("../../docs/monitoring/notify-slack")
	if err != nil {
		t.Fatal(err)
	}
	unit := service(t, "\\\n", "", "/usr/bin/tlxhook", filepath.Join(home, "tlxhook"),
		"/usr/local/lib/tlxhook/notify-slack", notifier, "${CREDENTIALS_DIRECTORY}", home, "--for 2m", "--for 0s --interval 1s")
	words := strings.Fields(regexp.MustCompile(`(?m)^ExecStart=(.*)$`).FindStringSubmatch(unit)[1])
	watch := exec.CommandContext(t.Context(), words[0], words[1:]...)
	watch.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TLXHOOK_PROFILE=sandbox"}
	var stderr strings.Builder
	watch.Stderr = &stderr
	if err := watch.Start(); err != nil {
		t.Fatal(err)
	}
	within := func(from <-chan string) string {
		select {
		case got := <-from:
			return got
		case <-time.After(20 * time.Second):
			return "nothing within 20 seconds"
		}
	}
	if got := within(beats); got != "beat" { // the first poll is complete
		t.Error(got)
	}
	if code, _, stderr := runInHome(t, home, "sub", "update", "4711", "--status", "DISABLED"); code != 0 {
		t.Error(stderr)
	}
	switch got := within(posted); {
	case !strings.HasPrefix(got, `/slack {"text":":warning: *WARNING* webhook 4711 `):
		t.Errorf("got = %q, want it to begin with %q", got, `/slack {"text":":warning: *WARNING* webhook 4711 `)
	case !strings.Contains(got, "ACTIVE → DISABLED"):
		t.Errorf("got = %q, want it to contain %q", got, "ACTIVE → DISABLED")
	}
	if err := watch.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
	if err := watch.Wait(); err != nil {
		t.Errorf("%v: %s", err, stderr.String())
	}
}
