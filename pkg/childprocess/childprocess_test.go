//go:build unix

package childprocess_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/childprocess"
)

// shell returns a program that runs a script by the shell.
func shell(script string, environ ...string) childprocess.Program {
	return childprocess.Program{Args: []string{"/bin/sh", "-c", script}, Environ: append(environ, "PATH="+os.Getenv("PATH"))}
}

func TestRunPassesInputAndReturnsTheExitCode(t *testing.T) {
	t.Parallel()
	p := shell(`cat; echo "$WORD" >&2; exit 3`, "WORD=world")
	p.Input = []byte("hello ")
	switch got := p.Run(t.Context()); {
	case got.Code != 3:
		t.Errorf("got.Code = %v, want 3", got.Code)
	case got.Err == nil:
		t.Error("got.Err = nil")
	case string(got.Output) != "hello world\n":
		t.Errorf("got.Output = %q, want %q", string(got.Output), "hello world\n")
	}
	switch got := (childprocess.Program{Args: []string{"/no/such/program"}}).Run(t.Context()); {
	case got.Code != -1:
		t.Errorf("got.Code = %v, want %v", got.Code, -1)
	case got.Err == nil:
		t.Error("got.Err = nil")
	}
}

func TestOutputIsLimited(t *testing.T) {
	t.Parallel()
	switch got := shell("head -c 10000000 /dev/zero").Run(t.Context()); {
	case got.Err != nil:
		t.Errorf("got.Err = %v, want nil", got.Err)
	case len(got.Output) != childprocess.MaxOutput:
		t.Errorf("len(got.Output) = %v, want %v", len(got.Output), childprocess.MaxOutput)
	}
}

// A program that hangs and does not hear SIGTERM is killed, with what it started.
func TestRunEndsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begin := time.Now()
	switch got := shell("trap '' TERM INT; sleep 600; sleep 600").Run(ctx); {
	case got.Err == nil:
		t.Error("got.Err = nil")
	case got.Code != -1:
		t.Errorf("got.Code = %v, want %v", got.Code, -1)
	case time.Since(begin) > 20*time.Second:
		t.Errorf("time.Since(begin) = %v, want at most %v", time.Since(begin), 20*time.Second)
	}
}

// What a program leaves running is ended with it, and does not hold its caller up.
func TestGrandchildrenAreKilled(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "pid")
	begin := time.Now()
	got := shell(`sleep 600 & echo $! >"$FILE"; exit 0`, "FILE="+file).Run(t.Context())
	switch took := time.Since(begin); {
	case got.Err != nil:
		t.Errorf("got.Err = %v, want nil", got.Err)
	case got.Code != 0:
		t.Errorf("got.Code = %v, want 0", got.Code)
	case took > 20*time.Second:
		t.Errorf("took = %v, want at most %v", took, 20*time.Second)
	}
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
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Error("what it started still runs")
}
