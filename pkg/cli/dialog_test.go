package cli_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"
)

// dialog runs a command at a pseudo terminal and talks to it: dialog CODE TALK COMMAND [ARG...]. TALK is a file
// with lines of the form "expected > answer"; an answer may be ^C, ^D, ^Z, or "key X" for X without a line end. The output is
// then in the file "screen".
func dialog(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	if err != nil {
		ts.Fatalf("usage: %v", err)
	}
	if len(args) < 3 {
		ts.Fatalf("usage: len(args) = %v, want at least 3", len(args))
	}
	talk := ts.ReadFile(args[1])
	command := &exec.Cmd{Path: find(ts, args[2]), Args: args[2:]}
	command.Dir = ts.MkAbs(".")
	for _, name := range []string{
		"PATH", "HOME", "XDG_RUNTIME_DIR", "TERM", "EDITOR", "TLXHOOK_PROFILE", "NO_COLOR", "GORACE", "DBUS_SESSION_BUS_ADDRESS",
		"WINEPREFIX", "WINEDEBUG", "WINEDLLOVERRIDES", "EMULATOR", "PROGRAM",
	} {
		if value := ts.Getenv(name); value != "" {
			command.Env = append(command.Env, name+"="+value)
		}
	}
	terminal, err := pty.StartWithSize(command, &pty.Winsize{Rows: 24, Cols: 80})
	ts.Check(err)
	defer func() { _ = terminal.Close() }()
	screen := &screen{}
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		screen.fill(terminal)
	}()
	answers := map[string]string{"^C": "\x03", "^D": "\x04", "^Z": "\x1a"}
	for line := range strings.Lines(talk) {
		expected, answer, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " > ")
		if !screen.await(expected) {
			_ = command.Process.Kill()
			ts.Fatalf("the screen never showed %q but\n%s", expected, screen)
		}
		key, isKey := strings.CutPrefix(answer, "key ")
		switch {
		case isKey:
			answer = key
		case answers[answer] != "":
			answer = answers[answer]
		default:
			answer += "\n"
		}
		_, err := io.WriteString(terminal, answer)
		ts.Check(err)
	}
	timer := time.AfterFunc(time.Minute, func() { _ = command.Process.Kill() })
	defer timer.Stop()
	got := 0
	var ended *exec.ExitError
	if err := command.Wait(); errors.As(err, &ended) {
		got = ended.ExitCode()
	}
	select {
	case <-shown:
	case <-time.After(10 * time.Second): // another process has the terminal
	}
	ts.Check(os.WriteFile(ts.MkAbs("screen"), []byte(screen.String()), 0o600))
	if got != want {
		ts.Fatalf("exit code %d, want %d; the screen showed\n%s", got, want, screen)
	}
}

// find returns the path of a command, by the PATH of the script.
func find(ts *testscript.TestScript, name string) string {
	for _, folder := range filepath.SplitList(ts.Getenv("PATH")) {
		if _, err := os.Stat(filepath.Join(folder, name)); err == nil {
			return filepath.Join(folder, name)
		}
	}
	ts.Fatalf("there is no command %s", name)
	return ""
}

// screen is what a pseudo terminal showed.
type screen struct {
	mu   sync.Mutex
	all  bytes.Buffer
	seen int // how much of it was expected already
}

func (s *screen) fill(from io.Reader) {
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		s.mu.Lock()
		_, _ = s.all.Write(buffer[:n])
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (s *screen) await(text string) bool {
	for range 6000 {
		s.mu.Lock()
		i := strings.Index(s.all.String()[s.seen:], text)
		if i >= 0 {
			s.seen += i + len(text)
		}
		s.mu.Unlock()
		if i >= 0 {
			return true
		}
		<-time.After(10 * time.Millisecond)
	}
	return false
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.ReplaceAll(s.all.String(), "\r\n", "\n")
}
