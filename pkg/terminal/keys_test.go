//go:build unix

package terminal_test

import (
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"

	"github.com/tlxhook/tlxhook/pkg/terminal"
)

func TestKeysAreReadWithoutEnterAndTheTerminalIsRestored(t *testing.T) {
	t.Parallel()
	window, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = window.Close(), tty.Close() }()
	state := func() *term.State {
		s, err := term.GetState(int(tty.Fd()))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	before := state()
	keys := make(chan byte, 4)
	keyboard := terminal.New(tty, tty, tty, func(string) (string, bool) { return "", false }).Keys(func(key byte) { keys <- key })
	if keyboard == nil {
		t.Fatal("a pseudo terminal has no keys")
	}
	if reflect.DeepEqual(state(), before) {
		t.Error("the terminal is not in raw mode")
	}
	if _, err := io.WriteString(window, "q\x03"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []byte{'q', terminal.KeyInterrupt} {
		select {
		case got := <-keys:
			if got != want {
				t.Errorf("key = %q, want %q", got, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("key %q was not read", want)
		}
	}
	keyboard.Stop()
	if !reflect.DeepEqual(state(), before) {
		t.Error("the terminal is not restored")
	}
	_, _ = io.WriteString(window, "\n") // ends the last read
}

func TestKeysNeedATerminal(t *testing.T) {
	t.Parallel()
	pipe := terminal.New(strings.NewReader("q"), io.Discard, io.Discard, func(string) (string, bool) { return "", false })
	if pipe.Keys(func(byte) { t.Error("a key was read") }) != nil {
		t.Error("a stream has keys")
	}
}
