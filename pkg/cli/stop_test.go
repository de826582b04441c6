package cli

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestStopAtEachStepIsSuccess stops every command that runs until it is stopped at each thing that it reports while it
// starts: notes and, with --debug, every request and answer of the API.
func TestStopAtEachStepIsSuccess(t *testing.T) {
	t.Parallel()
	listen := []string{"listen", "--addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:0"}
	for name, args := range map[string][]string{
		"listen":        append(slices.Clone(listen), "--insecure-no-verify"),
		"watch":         {"watch", "-p", "sandbox", "--debug", "--plain"},
		"exporter":      {"exporter", "-p", "sandbox", "--debug", "--addr", "127.0.0.1:0", "--all-companies"},
		"sandbox serve": {"sandbox", "serve", "--addr", "127.0.0.1:0"},
		"listen --subscribe": append(slices.Clone(listen), "-p", "sandbox", "--debug", "--addr", "127.0.0.1:0",
			"--subscribe", "order.*", "--public-url", "http://127.0.0.1:1/"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for step := range 40 {
				code, reached, said := stopAt(t, step, args)
				if code != exitOK {
					t.Errorf("stopped at step %d: exit code %d\n%s", step, code, said)
				}
				if !reached {
					return
				}
			}
		})
	}
}

// stopAt runs a command that a signal stops at its n-th write to standard error, or once it has been quiet for a while.
// It returns whether the n-th write came.
func stopAt(t *testing.T, n int, args []string) (code int, reached bool, said string) {
	t.Helper()
	home := t.TempDir()
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := func() { cancel(signaled{syscall.SIGTERM}) }
	steps := &stepWriter{left: n, stop: stop, quiet: time.AfterFunc(time.Second, stop)}
	if n == 0 {
		stop()
	}
	code = run(ctx, args, Streams{strings.NewReader(""), &bytes.Buffer{}, steps}, []string{"HOME=" + home, "XDG_RUNTIME_DIR=" + home}, Build{})
	steps.quiet.Stop()
	return code, n == 0 || steps.left <= 0, steps.text.String()
}

// stepWriter calls stop at a certain write, and after a second without any.
type stepWriter struct {
	mu    sync.Mutex
	left  int
	stop  func()
	quiet *time.Timer
	text  bytes.Buffer
}

func (w *stepWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.quiet.Reset(time.Second)
	if w.left--; w.left == 0 {
		w.stop()
	}
	return w.text.Write(p)
}
