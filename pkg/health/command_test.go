//go:build unix

package health_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/health"
)

// shell returns a command that runs a shell script, and the buffer for its output.
func shell(script string, environ ...string) (health.Command, *bytes.Buffer) {
	var output bytes.Buffer
	return health.Command{Args: []string{"/bin/sh", "-c", script, "sh"}, Environ: append(environ, "PATH=/usr/bin:/bin"), Output: &output},
		&output
}

func broken() health.Transition {
	return health.Transition{
		Kind: health.Changed, ID: 4711, Event: "order.\x1bcreate", OldStatus: "ACTIVE", NewStatus: "DISABLED_TOO_MANY_ERRORS",
		State: health.Critical, TargetHost: "hooks.example.no", CompanyID: 7,
		Profile: "acme", Company: "Fjell\x1b AS", Time: time.Unix(0, 0).UTC(),
	}
}

func TestCommandReceivesEveryField(t *testing.T) {
	t.Parallel()
	c, output := shell(`cat; env | grep ^TLXHOOK_ | sort`)
	if err := c.Run(t.Context(), broken()); err != nil {
		t.Fatal(err)
	}
	document, variables, _ := strings.Cut(output.String(), "\n")
	var got health.Transition
	switch err := json.Unmarshal([]byte(document), &got); {
	case err != nil:
		t.Errorf("%s: %v", document, err)
	case got != broken():
		t.Errorf("%s: %v", document, err)
	}
	want := `TLXHOOK_COMPANY=7
TLXHOOK_COMPANY_NAME=Fjell\u{1b} AS
TLXHOOK_EVENT=order.\u{1b}create
TLXHOOK_KIND=changed
TLXHOOK_NEW_STATUS=DISABLED_TOO_MANY_ERRORS
TLXHOOK_OLD_STATUS=ACTIVE
TLXHOOK_PROFILE=acme
TLXHOOK_STATE=CRITICAL
TLXHOOK_SUBSCRIPTION_ID=4711
TLXHOOK_TARGET_HOST=hooks.example.no
`
	if variables != want {
		t.Errorf("got\n%s", variables)
	}
}

func TestCommandReportsFailure(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{"exit 3": "exit status 3", "kill -9 $$": "signal: killed"} {
		c, _ := shell(script)
		switch err := c.Run(t.Context(), broken()); {
		case err == nil:
			t.Errorf("%s: no error", script)
		case !strings.Contains(err.Error(), want):
			t.Errorf("%s: err.Error() = %q, want it to contain %q", script, err.Error(), want)
		}
	}
	missing := health.Command{Args: []string{"/no/such/program"}}
	switch {
	case missing.Check() == nil:
		t.Error("a program that is not there was run")
	case missing.Run(t.Context(), broken()) == nil:
		t.Error("a program that is not there was run")
	}
	folder := health.Command{Args: []string{t.TempDir()}}
	switch {
	case folder.Check() == nil:
		t.Error("a folder was run")
	case folder.Run(t.Context(), broken()) == nil:
		t.Error("a folder was run")
	}
}

func TestCommandMayIgnoreStdin(t *testing.T) {
	t.Parallel()
	c, _ := shell("exec 0<&-; exit 0")
	if err := c.Run(t.Context(), broken()); err != nil {
		t.Error(err)
	}
}

func TestCommandOutputIsTruncated(t *testing.T) {
	t.Parallel()
	c, output := shell("head -c 300000000 /dev/zero")
	switch err := c.Run(t.Context(), broken()); {
	case err != nil:
		t.Error(err)
	case output.Len() != 64<<10:
		t.Errorf("output.Len() = %v, want %v", output.Len(), 64<<10)
	}
}

// gone reports whether the process whose ID is in a file has ended; a zombie counts as ended.
func gone(t *testing.T, file string) bool {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	for range 200 {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if syscall.Kill(pid, 0) != nil || err == nil && strings.Contains(string(stat), ") Z ") {
			return true
		}
		<-time.After(10 * time.Millisecond)
	}
	return false
}

// A hanging command that ignores SIGTERM is killed with its child process when the watch ends.
func TestHangingCommandIsKilledWithItsChildren(t *testing.T) {
	if testing.Short() {
		t.Skip("not a unit test")
	}
	t.Parallel()
	file := filepath.Join(t.TempDir(), "pid")
	c, _ := shell(`trap "" TERM; sleep 600 & echo $! >"$FILE"; wait; wait; sleep 600`, "FILE="+file)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	begin := time.Now()
	err := c.Run(ctx, broken())
	switch {
	case err == nil:
		t.Error("no error")
	case !strings.Contains(err.Error(), "killed 5s after"):
		t.Errorf("err.Error() = %q, want it to contain %q", err.Error(), "killed 5s after")
	}
	switch took := time.Since(begin); {
	case took < 4*time.Second:
		t.Errorf("%v after %s; want it killed after the grace of 5 s", err, took)
	case took > 25*time.Second:
		t.Errorf("%v after %s; want it killed after the grace of 5 s", err, took)
	case !gone(t, file):
		t.Errorf("%v after %s; want it killed after the grace of 5 s", err, took)
	}
}
