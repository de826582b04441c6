package terminal

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/synctest"
)

// A write to a pipe that is not read blocks until EndBlocked, and later writes fail at once.
func TestEndBlockedEndsAWriteThatIsNotRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, pipe := io.Pipe()
		defer func() { _ = pipe.Close() }()
		term, written := New(nil, pipe, io.Discard, noVariable), make(chan error, 1)
		go func() {
			_, err := io.WriteString(term.Out, "a result\n")
			written <- err
		}()
		synctest.Wait()
		if len(written) != 0 {
			t.Error("the write ended before EndBlocked")
		}
		term.EndBlocked()
		if err := <-written; !errors.Is(err, ErrUnread) {
			t.Errorf("first write: %v, want ErrUnread", err)
		}
		if _, err := io.WriteString(term.Out, "another\n"); !errors.Is(err, ErrUnread) {
			t.Errorf("second write: %v, want ErrUnread", err)
		}
	})
}

func TestEndBlockedKeepsAStreamThatIsRead(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	term := New(nil, &out, io.Discard, noVariable)
	term.EndBlocked()
	if _, err := io.WriteString(term.Out, "a result\n"); err != nil {
		t.Error(err)
	}
	if out.String() != "a result\n" {
		t.Errorf("written: %q", &out)
	}
}

// A blocked write of a result blocks neither tasks nor messages.
func TestBlockedResultDoesNotBlockTheStatus(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, pipe := io.Pipe()
		defer func() { _ = pipe.Close() }()
		var screen buffer
		s := NewStatus(&screen, true)
		go func() { _, _ = s.Writer(pipe, false).Write([]byte("a result\n")) }()
		synctest.Wait()
		s.Begin("List companies").End()
		if _, err := s.Writer(&screen, true).Write([]byte("a message\n")); err != nil {
			t.Error(err)
		}
		if screen.String() != "a message\n" {
			t.Errorf("screen: %q", screen.String())
		}
	})
}

func noVariable(string) (string, bool) { return "", false }
