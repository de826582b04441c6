// Package terminal owns the streams of the program and what is true of them: whether a person sits there, how
// wide the screen is, whether to use colour. It asks questions, and makes foreign text safe to print.
// It leaves the shape of results to pkg/output.
package terminal

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// Terminal is the three streams and what is known of them.
type Terminal struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
	// Width is the number of columns of the screen, or 0 where results do not go to a screen.
	Width int
	// Color and ErrColor tell whether results and messages may be coloured.
	Color, ErrColor bool
	// NoInput keeps every question from being asked.
	NoInput bool
	// Quiet keeps progress from being drawn.
	Quiet bool

	inTTY, outTTY, errTTY bool
	screen                any      // what results go to
	messages              *os.File // where messages go, where that is a terminal
	lookup                func(string) (string, bool)
}

// New returns the facts about three streams. Lookup reads the environment.
func New(in io.Reader, out, err io.Writer, lookup func(string) (string, bool)) *Terminal {
	t := &Terminal{In: in, Out: out, Err: err, lookup: lookup, screen: out}
	_, _, t.inTTY = size(in)
	t.Width, _, t.outTTY = size(out)
	if _, _, t.errTTY = size(err); t.errTTY {
		t.messages, _ = err.(*os.File)
	}
	t.Color, t.ErrColor = t.wantsColor(t.outTTY), t.wantsColor(t.errTTY)
	return t
}

// size returns the columns and lines of a stream that is a terminal. One that does not tell has 80 and 24.
func size(stream any) (width, height int, ok bool) {
	file, ok := stream.(*os.File)
	if !ok || file == nil || !term.IsTerminal(int(file.Fd())) {
		return 0, 0, false
	}
	width, height, err := term.GetSize(int(file.Fd()))
	if err != nil || width <= 0 || height <= 0 {
		return 80, 24, true
	}
	return width, height, true
}

// Size returns the columns and lines of the screen as they are now, or zeros where results do not go to a screen.
func (t *Terminal) Size() (width, height int) {
	width, height, _ = size(t.screen)
	return width, height
}

// wantsColor follows no-color.org and the CLICOLOR_FORCE convention.
func (t *Terminal) wantsColor(tty bool) bool {
	if value, _ := t.lookup("NO_COLOR"); value != "" {
		return false
	}
	if value, ok := t.lookup("CLICOLOR_FORCE"); ok && value != "0" && value != "" {
		return true
	}
	value, _ := t.lookup("TERM")
	return tty && value != "dumb"
}

// SetColor applies a --color value: auto, always or never.
func (t *Terminal) SetColor(mode string) error {
	switch mode {
	case "", "auto":
	case "always":
		t.Color, t.ErrColor = true, true
	case "never":
		t.Color, t.ErrColor = false, false
	default:
		return fmt.Errorf("color %q: must be auto, always or never", mode)
	}
	return nil
}

// IsScreen tells whether results go to a person's screen.
func (t *Terminal) IsScreen() bool { return t.outTTY }

// CanRedraw tells whether what stands on the person's screen can be replaced by something newer.
func (t *Terminal) CanRedraw() bool {
	value, _ := t.lookup("TERM")
	return t.outTTY && value != "dumb"
}

// IsErrScreen tells whether messages go to a person's screen.
func (t *Terminal) IsErrScreen() bool { return t.errTTY }

// IsInteractive tells whether a question can be asked: a person at both ends, and nobody said not to.
func (t *Terminal) IsInteractive() bool {
	ci, _ := t.lookup("CI")
	return t.inTTY && t.errTTY && !t.NoInput && (ci == "" || ci == "false")
}
