// Package terminal holds the streams of the program and their properties: interactive, width, colour.
// It prompts, shows progress and makes text safe to print. pkg/output formats results.
package terminal

import (
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// Terminal is the three standard streams with their properties.
type Terminal struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
	// Width is the number of columns of the screen; 0 if standard output is not a terminal.
	Width int
	// Color and ErrColor allow colour on standard output and standard error.
	Color, ErrColor bool
	// Redact masks secrets in a result before it is truncated or computed with; nil for none. Out masks what is written.
	Redact func(string) string
	// NoInput disables prompts.
	NoInput bool
	// Status shows long tasks on standard error.
	Status *Status

	ended func() // see EndBlocked

	inTTY, outTTY, errTTY bool
	screen                any      // standard output
	messages              *os.File // standard error, if it is a terminal
	lookup                func(string) (string, bool)
}

// New returns a terminal over three streams. lookup reads the environment.
func New(in io.Reader, out, err io.Writer, lookup func(string) (string, bool)) *Terminal {
	ended := make(chan struct{})
	t := &Terminal{
		In: in, Out: &unblocker{ended: ended, to: out}, Err: &unblocker{ended: ended, to: err}, lookup: lookup, screen: out,
		ended: sync.OnceFunc(func() { close(ended) }),
	}
	_, _, t.inTTY = size(in)
	t.Width, _, t.outTTY = size(out)
	if _, _, t.errTTY = size(err); t.errTTY {
		t.messages, _ = err.(*os.File)
	}
	t.Status = NewStatus(t.Err, t.errTTY)
	t.Color, t.ErrColor = t.wantsColor(t.outTTY), t.wantsColor(t.errTTY)
	return t
}

// EndBlocked ends writes to Out and Err that block because nothing reads the output: they fail with [ErrUnread]. Writes to
// a stream that is read continue.
func (t *Terminal) EndBlocked() { t.ended() }

// size returns the columns and lines of a stream that is a terminal; 80 and 24 if unknown.
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

// Size returns the current columns and lines; zeros if standard output is not a terminal.
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

// IsScreen reports whether standard output is a terminal.
func (t *Terminal) IsScreen() bool { return t.outTTY }

// CanRedraw reports whether standard output is a terminal that can be redrawn.
func (t *Terminal) CanRedraw() bool {
	value, _ := t.lookup("TERM")
	return t.outTTY && value != "dumb"
}

// IsErrScreen reports whether standard error is a terminal.
func (t *Terminal) IsErrScreen() bool { return t.errTTY }

// IsInteractive reports whether prompts are possible and allowed.
func (t *Terminal) IsInteractive() bool {
	ci, _ := t.lookup("CI")
	return t.inTTY && t.errTTY && !t.NoInput && (ci == "" || ci == "false")
}
