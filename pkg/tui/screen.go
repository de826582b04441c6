// Package tui is the live screen of watch: a table of subscriptions, redrawn in place, with the latest changes.
// pkg/health provides the content.
package tui

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// Escape sequences of ECMA-48 and xterm. A library would make the program a tenth larger and slower.
const (
	// enter switches to the alternate screen, hides the cursor and disables wrapping, so that the terminal cuts lines.
	enter = "\x1b[?1049h\x1b[?25l\x1b[?7l"
	leave = "\x1b[?7h\x1b[?25h\x1b[?1049l"
	home  = "\x1b[H"
	// restOfLine and restOfScreen erase the rest of the previous picture.
	restOfLine   = "\x1b[K"
	restOfScreen = "\x1b[J"
)

// refresh is the interval of checks for a new window size.
const refresh = 500 * time.Millisecond

// Screen is the live screen of a watch. It is safe for concurrent use.
type Screen struct {
	terminal *terminal.Terminal
	out      io.Writer
	quit     func()
	keys     *terminal.Keyboard // nil without a keyboard
	closing  chan struct{}
	closed   sync.WaitGroup

	mu      sync.Mutex
	view    view
	picture string
	err     error
}

// Open switches a terminal to the alternate screen. Title describes the watch. Quit is called for q and Ctrl-C; it must
// not close the screen itself.
func Open(t *terminal.Terminal, title string, quit func()) *Screen {
	s := &Screen{terminal: t, out: t.Out, quit: quit, closing: make(chan struct{})}
	s.write(enter)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.view.redact = t.Redact
	s.keys, s.view.title = t.Keys(s.press), title+" Press Ctrl-C to quit."
	if s.keys != nil {
		s.view.title = title + " Press q to quit. Press ? for help."
	}
	s.draw()
	s.closed.Go(s.followSize)
	return s
}

// press handles a key.
func (s *Screen) press(key byte) {
	switch key {
	case 'q', 'Q', terminal.KeyInterrupt:
		s.quit()
	case terminal.KeySuspend:
		s.suspend()
	case '?':
		s.mu.Lock()
		defer s.mu.Unlock()
		select {
		case <-s.closing:
		default:
			s.view.help = !s.view.help
			s.draw()
		}
	}
}

// suspend stops the process as Ctrl-Z does elsewhere, with the terminal restored, and draws again when it continues.
func (s *Screen) suspend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closing:
		return
	default:
	}
	s.write(leave)
	s.keys.Suspend()
	s.picture = ""
	s.write(enter)
	s.draw()
}

// followSize redraws after a change of the window size.
func (s *Screen) followSize() {
	ticker := time.NewTicker(refresh)
	defer ticker.Stop()
	for {
		select {
		case <-s.closing:
			return
		case <-ticker.C:
			s.mu.Lock()
			s.draw()
			s.mu.Unlock()
		}
	}
}

// Show draws an update. It returns the first error of writing to the screen.
func (s *Screen) Show(_ context.Context, n health.Update) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.view.update(n)
	s.draw()
	return s.err
}

// Write shows messages, one per line, instead of standard error.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for line := range strings.Lines(string(p)) {
		s.view.addMessage(time.Now().Format(clock) + " " + strings.TrimRight(line, "\n"))
	}
	s.draw()
	return len(p), s.err
}

// Close restores the terminal and prints the changes below its content.
func (s *Screen) Close() error {
	close(s.closing)
	s.closed.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.write(leave)
	s.keys.Stop()
	for _, t := range s.view.changes {
		s.write(Line(t, s.terminal.Color) + "\n")
	}
	return s.err
}

func (s *Screen) draw() {
	width, height := s.terminal.Size()
	lines, err := s.view.lines(width, height, s.terminal.Color)
	if err != nil {
		s.err = err
		return
	}
	picture := fmt.Sprintf("%s%s%s%s", home, strings.Join(lines, restOfLine+"\r\n"), restOfLine, restOfScreen)
	if picture != s.picture {
		s.picture = picture
		s.write(picture)
	}
}

func (s *Screen) write(text string) {
	if _, err := io.WriteString(s.out, text); err != nil && s.err == nil {
		s.err = err
	}
}

// Line describes a transition in one line.
func Line(t health.Transition, color bool) string {
	state := string(t.State)
	if color {
		state = t.State.Style().Paint(state)
	}
	return terminal.LocalTime(t.Time) + " " + state + " " + t.String()
}
