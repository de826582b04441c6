package terminal

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// buffer is a screen that a timer writes to while the test reads.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (b *buffer) Len() int { return len(b.String()) }

// shown returns what is on the last line of a screen.
func shown(screen *buffer) string {
	text := screen.String()
	text = text[strings.LastIndexAny(text, "\r\n")+1:]
	return strings.TrimSuffix(text, restOfLine)
}

func TestStatusAppearsAfterASecond(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		begin func(*Status) *Task
		want  string // after three seconds
	}{
		"a task":           {func(s *Status) *Task { return s.Begin("List companies") }, "List companies (3s)"},
		"a count":          {func(s *Status) *Task { return s.Count(40, "companies") }, "10 of 40 companies, 9s left"},
		"an unknown count": {func(s *Status) *Task { return s.Count(0, "objects") }, "10 objects (3s)"},
		"a task and a count": {func(s *Status) *Task {
			s.Begin("List companies")
			return s.Count(40, "companies")
		}, "10 of 40 companies, 9s left. List companies (3s)"},
		"a wait beside a count": {func(s *Status) *Task {
			s.Begin("List companies")
			s.Wait(20*time.Second, "for the rate limit")
			return s.Count(40, "companies")
		}, "10 of 40 companies, 9s left. Waiting 17s for the rate limit"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var screen buffer
				s := NewStatus(&screen, true)
				task := c.begin(s)
				task.Add(10)
				time.Sleep(900 * time.Millisecond)
				synctest.Wait()
				if screen.Len() != 0 {
					t.Errorf("before a second: %q", &screen)
				}
				time.Sleep(2100 * time.Millisecond)
				synctest.Wait()
				if got := shown(&screen); got != c.want {
					t.Errorf("%q, want %q", got, c.want)
				}
				for _, all := range s.tasks {
					defer all.End()
				}
			})
		})
	}
}

func TestStatusIsRemovedAtTheEndAndBeforeOtherText(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var screen buffer
		s := NewStatus(&screen, true)
		task := s.Begin("List companies")
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		_, _ = s.Writer(&screen, true).Write([]byte("a result\n"))
		if text := screen.String(); !strings.HasSuffix(text, "\r"+restOfLine+"a result\n") {
			t.Errorf("the text follows the line: %q", text)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := shown(&screen); got != "List companies (2s)" {
			t.Errorf("not drawn again: %q", got)
		}
		task.End()
		if got := shown(&screen); got != "" {
			t.Errorf("left on the screen: %q", got)
		}
		length := screen.Len()
		time.Sleep(time.Hour)
		synctest.Wait()
		if screen.Len() != length {
			t.Errorf("written after the end: %q", screen.String()[length:])
		}
	})
}

func TestWaitEndsByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var screen buffer
		s := NewStatus(&screen, true)
		s.Wait(5*time.Second, "for the rate limit")
		time.Sleep(4 * time.Second)
		synctest.Wait()
		if got := shown(&screen); got != "Waiting 1s for the rate limit" {
			t.Errorf("%q", got)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := shown(&screen); got != "" {
			t.Errorf("left on the screen: %q", got)
		}
	})
}

func TestNothingIsDrawnAfterClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var screen buffer
		s := NewStatus(&screen, true)
		s.Wait(time.Minute, "for the rate limit")
		task := s.Begin("List companies")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		s.Close()
		if got := shown(&screen); got != "" {
			t.Errorf("left on the screen: %q", got)
		}
		length := screen.Len()
		s.Begin("Delete the session")
		time.Sleep(2 * time.Minute)
		task.End()
		synctest.Wait()
		if screen.Len() != length {
			t.Errorf("written after the end: %q", screen.String()[length:])
		}
	})
}

func TestStatusWithoutATerminal(t *testing.T) {
	t.Parallel()
	for verbose, want := range map[bool]string{false: "", true: "List companies (1s)\nWaiting 9s for the rate limit\n"} {
		synctest.Test(t, func(t *testing.T) {
			var out buffer
			s := NewStatus(&out, false)
			s.Verbose = verbose
			task := s.Begin("List companies")
			s.Wait(10*time.Second, "for the rate limit")
			s.Begin("short").End()
			time.Sleep(20 * time.Second)
			task.End()
			synctest.Wait()
			if out.String() != want {
				t.Errorf("verbose %t: %q, want %q", verbose, &out, want)
			}
		})
	}
}
