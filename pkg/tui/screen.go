// Package tui is the live screen of watch: a table of subscriptions that is redrawn in place, the last changes
// below it. It leaves what is shown to pkg/health, and never reads a key: Ctrl-C ends the program as everywhere.
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

// The escape sequences that the screen is drawn with, of ECMA-48 and xterm. They are few, and a library for them
// would make the program a tenth larger and slower to start.
const (
	// enter takes the second screen, so that what stood there comes back, hides the cursor, and has lines cut at
	// the edge instead of wrapped: the terminal knows best how wide a character is.
	enter = "\x1b[?1049h\x1b[?25l\x1b[?7l"
	leave = "\x1b[?7h\x1b[?25h\x1b[?1049l"
	home  = "\x1b[H"
	// restOfLine and restOfScreen erase what an earlier picture left.
	restOfLine   = "\x1b[K"
	restOfScreen = "\x1b[J"
)

// refresh is how often the screen looks whether its size has changed.
const refresh = 500 * time.Millisecond

// Screen shows a watch. Its methods may be called side by side.
type Screen struct {
	terminal *terminal.Terminal
	out      io.Writer
	closing  chan struct{}
	closed   sync.WaitGroup

	mu      sync.Mutex
	view    view
	picture string
	err     error
}

// Open takes the screen of a terminal, which must be able to redraw. Title says what is watched.
func Open(t *terminal.Terminal, title string) *Screen {
	s := &Screen{terminal: t, out: t.Out, closing: make(chan struct{}), view: view{title: title}}
	s.write(enter)
	s.draw()
	s.closed.Go(s.followSize)
	return s
}

// followSize redraws where the window has got another size.
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

// Show takes in what a look brought. Its error is why the screen cannot be written to.
func (s *Screen) Show(_ context.Context, n health.Update) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.view.take(n)
	s.draw()
	return s.err
}

// Write shows messages, a line each, as somebody else would print them on standard error.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for line := range strings.Lines(string(p)) {
		s.view.say(time.Now().Format(clock) + " " + strings.TrimRight(line, "\n"))
	}
	s.draw()
	return len(p), s.err
}

// Close gives the screen back as it was, and leaves the changes that were shown on it.
func (s *Screen) Close() error {
	close(s.closing)
	s.closed.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.write(leave)
	for _, t := range s.view.changes {
		s.write(Line(t, time.RFC3339, s.terminal.Color) + "\n")
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

// Line says in one line what happened, for a person.
func Line(t health.Transition, layout string, color bool) string {
	state := string(t.State)
	if color {
		state = t.State.Style().Paint(state)
	}
	return t.Time.Local().Format(layout) + " " + state + " " + t.String()
}
