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

func TestAProgramGetsItsInputAndAnswersByItsExitCode(t *testing.T) {
	t.Parallel()
	p := shell(`cat; echo "$WORD" >&2; exit 3`, "WORD=world")
	p.Input = []byte("hello ")
	if got := p.Run(t.Context()); got.Code != 3 || got.Err == nil || string(got.Output) != "hello world\n" {
		t.Errorf("%+v", got)
	}
	if got := (childprocess.Program{Args: []string{"/no/such/program"}}).Run(t.Context()); got.Code != -1 || got.Err == nil {
		t.Errorf("%+v", got)
	}
}

func TestAFloodIsCut(t *testing.T) {
	t.Parallel()
	if got := shell("head -c 10000000 /dev/zero").Run(t.Context()); got.Err != nil || len(got.Output) != childprocess.MaxOutput {
		t.Errorf("%d bytes, %v", len(got.Output), got.Err)
	}
}

// A program that hangs and does not hear SIGTERM is killed, with what it started.
func TestAProgramEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if got := shell("trap '' TERM INT; sleep 600; sleep 600").Run(ctx); got.Err == nil || got.Code != -1 || time.Since(begin) > 20*time.Second {
		t.Errorf("%+v after %s", got, time.Since(begin))
	}
}

// What a program leaves running is ended with it, and does not hold its caller up.
func TestWhatAProgramLeavesRunningIsEnded(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "pid")
	begin := time.Now()
	got := shell(`sleep 600 & echo $! >"$FILE"; exit 0`, "FILE="+file).Run(t.Context())
	if took := time.Since(begin); got.Err != nil || got.Code != 0 || took > 20*time.Second {
		t.Errorf("%+v after %s", got, took)
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
