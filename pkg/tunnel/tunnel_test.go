//go:build unix

package tunnel_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/tunnel"
)

// fakes is the environment variable with the folder of the programs of the tests, which is in front of the PATH.
const fakes = "FAKES"

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if state := os.Getenv("PANIC_IN"); state != "" {
		panicWithTunnel(state)
	}
	folder, err := os.MkdirTemp("", "tunnel")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	for _, words := range [][]string{
		{"go", "build", "-o", filepath.Join(folder, "other"), "./testdata/fake"},
		{
			"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
			"-addext", "subjectAltName=DNS:localhost", "-keyout", filepath.Join(folder, "key.pem"), "-out", filepath.Join(folder, "cert.pem"),
		},
	} {
		if raw, err := exec.CommandContext(context.Background(), words[0], words[1:]...).CombinedOutput(); err != nil {
			panic(string(raw))
		}
	}
	for _, name := range tunnel.Programs() {
		if err := os.Link(filepath.Join(folder, "other"), filepath.Join(folder, name)); err != nil {
			panic(err)
		}
	}
	if err := errors.Join(os.Setenv(fakes, folder), os.Setenv("PATH", folder+":"+os.Getenv("PATH"))); err != nil {
		panic(err)
	}
	return m.Run()
}

// notes collects notes.
type notes struct {
	mu   sync.Mutex
	text strings.Builder
}

func (n *notes) note(format string, _ ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.text.WriteString(format + "\n")
}

// apiPort returns the port of the API of the agents of a folder.
func apiPort(state string) string {
	file := filepath.Join(state, "port")
	if known, err := os.ReadFile(file); err == nil {
		return string(known)
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	if err := errors.Join(listener.Close(), os.WriteFile(file, []byte(port), 0o600)); err != nil {
		panic(err)
	}
	return port
}

// options returns options with the environment of a fake, which keeps its state in a folder.
func options(state, program, mode string, more ...string) tunnel.Options {
	folder := os.Getenv(fakes)
	api := apiPort(state)
	environ := append([]string{
		"API=" + api,
		"PATH=" + os.Getenv("PATH"), "FAKE=" + mode, "SECRET=a-known-secret", "STATE=" + filepath.Join(state, "state"),
		"CERT=" + filepath.Join(folder, "cert.pem"), "KEY=" + filepath.Join(folder, "key.pem"), "ONCE=" + filepath.Join(state, "once"),
	}, more...)
	o := tunnel.Options{Program: program, Environ: environ, Note: (&notes{}).note}
	o.SetAgentPorts(api)
	o.Redact = func(text string) string { return strings.ReplaceAll(text, "a-known-secret", "[redacted]") }
	if program == "" {
		o.Command = "other --port {port}"
	}
	return o
}

func start(t *testing.T, o tunnel.Options, limit time.Duration) (*tunnel.Tunnel, string, error) {
	t.Helper()
	opened, err := tunnel.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(opened.Stop)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	public, err := opened.Start(ctx, "18080", false)
	return opened, public, err
}

func TestProgramsReportTheirURL(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	for _, program := range append(tunnel.Programs(), "") {
		_, public, err := start(t, options(state, program, ""), 30*time.Second)
		if err != nil {
			t.Errorf("%s: %v", program, err)
		}
		if !strings.HasPrefix(public, "https://localhost:") {
			t.Errorf("%s: public = %q", program, public)
		}
	}
	if _, err := os.Stat(filepath.Join(state, "state")); err != nil {
		t.Error(err)
	}
}

// An agent that has a tunnel to the port is used, and stays.
func TestRunningAgentIsUsed(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	first, public, err := start(t, options(state, tunnel.Ngrok, ""), 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	second, again, err := start(t, options(state, tunnel.Ngrok, "exit"), 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if again != public {
		t.Errorf("again = %q, want %q", again, public)
	}
	second.Stop()
	_, again, err = start(t, options(state, tunnel.Ngrok, "exit"), 30*time.Second)
	if err != nil {
		t.Fatalf("after the second was stopped: %v", err)
	}
	if again != public {
		t.Errorf("after the second was stopped: %q, want %q", again, public)
	}
	first.Stop()
}

func TestFailuresAreReported(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		program, mode, want string
		is                  error
	}{
		{tunnel.Cloudflared, "exit", `error: cannot connect to https://***@example.no/?k=*** no \u{1b}[31mway [redacted]`, tunnel.ErrEnded},
		{tunnel.Cloudflared, "ratelimit", "Error unmarshaling QuickTunnel response", tunnel.ErrEnded},
		{tunnel.Cloudflared, "hang", "no public URL", tunnel.ErrNoURL},
		{tunnel.Cloudflared, "nourl", "no public URL", tunnel.ErrNoURL},
		{tunnel.Cloudflared, "wrong", "unusable URL", tunnel.ErrWrongURL},
		{tunnel.Ngrok, "exit", "exit status 1", tunnel.ErrEnded},
		{tunnel.Tailscale, "stopped", "run tailscale up", nil},
		{"", "exit", "exit status 1", tunnel.ErrEnded},
		{"", "hang", "no public URL", tunnel.ErrNoURL},
		{"", "nourl", "ready", tunnel.ErrNoURL},
		{"", "wrong", "with credentials", tunnel.ErrWrongURL},
	} {
		t.Run(test.program+" "+test.mode, func(t *testing.T) {
			t.Parallel()
			state := t.TempDir()
			limit := 6 * time.Second
			if errors.Is(test.is, tunnel.ErrEnded) || errors.Is(test.is, tunnel.ErrWrongURL) {
				limit = 40 * time.Second
			}
			started := filepath.Join(t.TempDir(), "started")
			_, public, err := start(t, options(state, test.program, test.mode, "STARTED="+started), limit)
			if err == nil {
				t.Fatalf("no error, but %q", public)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Error(err)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("%q has no %q", err, test.want)
			}
			for _, bad := range []string{"hidden", "a-known-secret", "\x1b"} {
				if strings.Contains(err.Error(), bad) {
					t.Errorf("%q shows %q", err, bad)
				}
			}
			raw, err := os.ReadFile(started)
			if got := strings.Count(string(raw), "\nend\n"); err == nil && errors.Is(test.is, tunnel.ErrEnded) && got != 4 {
				t.Errorf("started %d times, want 4", got)
			}
		})
	}
}

func TestUnusableProgramsAreUsageErrors(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("PATH", folder)
	for _, name := range tunnel.Programs() {
		_, err := tunnel.New(tunnel.Options{Program: name})
		missing, ok := errors.AsType[*tunnel.MissingError](err)
		if !ok {
			t.Errorf("%s: %v, want a MissingError", name, err)
			continue
		}
		if missing.Name != name {
			t.Errorf("%s: the error names %q", name, missing.Name)
		}
		if missing.Install == "" {
			t.Errorf("%s: the error has no installation hint", name)
		}
	}
	plain := filepath.Join(folder, "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{plain, "", " ", `"`, "''"} {
		if _, err := tunnel.New(tunnel.Options{Command: text}); err == nil {
			t.Errorf("%q: no error", text)
		} else if _, ok := errors.AsType[*tunnel.UsageError](err); !ok {
			t.Errorf("%q: %T %v", text, err, err)
		}
	}
}

// gone reports whether a process has ended.
func gone(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return syscall.Kill(pid, 0) != nil || err == nil && strings.Contains(string(stat), ") Z ")
}

func awaitGone(t *testing.T, file string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		if gone(pid) {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	t.Errorf("process %d is left", pid)
}

// A program that ignores SIGTERM is killed, and so are its child processes.
func TestStopLeavesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("not a unit test")
	}
	t.Parallel()
	state := t.TempDir()
	for _, mode := range []string{"", "deaf"} {
		child := filepath.Join(t.TempDir(), "child")
		opened, _, err := start(t, options(state, "", mode, "CHILD="+child), 30*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		opened.Stop()
		awaitGone(t, child)
	}
}

// panicWithTunnel starts a tunnel and panics, in a goroutine that nothing recovers.
func panicWithTunnel(state string) {
	opened, err := tunnel.New(options(state, "", "deaf", "CHILD="+filepath.Join(state, "child")))
	if err == nil {
		_, err = opened.Start(context.Background(), "18080", false)
	}
	go panic(fmt.Sprint("this is a test: ", err))
	select {}
}

// A panic leaves neither a program that ignores SIGTERM nor its child processes.
func TestPanicLeavesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("not a unit test")
	}
	t.Parallel()
	state := t.TempDir()
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), "PANIC_IN="+state)
	out, err := command.CombinedOutput()
	if err == nil {
		t.Error("the program ended without an error")
	}
	if !strings.Contains(string(out), "this is a test: <nil>") {
		t.Errorf("the panic is not in %s", out)
	}
	awaitGone(t, filepath.Join(state, "child"))
}

// A program that dies is started again, and its new URL is reported until that is accepted.
func TestWatchRestartsAndReportsANewURL(t *testing.T) {
	if testing.Short() {
		t.Skip("not a unit test")
	}
	t.Parallel()
	state := t.TempDir()
	opened, public, err := start(t, options(state, "", "die"), 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var got []string
	opened.Watch(ctx, func(_ context.Context, moved string) error {
		if got = append(got, moved); len(got) == 1 {
			return errors.New("not yet")
		}
		cancel()
		return nil
	})
	if len(got) != 2 {
		t.Fatalf("%d reports, want 2: %q", len(got), got)
	}
	if got[0] != got[1] {
		t.Errorf("reported %q and %q, want the same URL", got[0], got[1])
	}
	if got[0] == public {
		t.Errorf("reported %q, want a new URL", public)
	}
}
