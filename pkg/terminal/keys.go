package terminal

import (
	"os"
	"sync/atomic"

	"golang.org/x/term"
)

// Keys in raw mode.
const (
	KeyInterrupt = 0x03 // Ctrl-C
	KeySuspend   = 0x1a // Ctrl-Z
)

// Keyboard reads keys from a terminal in raw mode: no echo, no signals from the keyboard, and lines end with "\r\n".
type Keyboard struct {
	in      *os.File
	before  *term.State
	stopped atomic.Bool
}

// Keys calls pressed for each byte from the keyboard until it is stopped. It returns nil if standard input is not a
// terminal.
func (t *Terminal) Keys(pressed func(key byte)) *Keyboard {
	in, isFile := t.In.(*os.File)
	if !isFile || !t.inTTY {
		return nil
	}
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return nil
	}
	k := &Keyboard{in: in, before: before}
	go k.read(pressed)
	return k
}

func (k *Keyboard) read(pressed func(key byte)) {
	key := make([]byte, 1)
	for {
		n, err := k.in.Read(key) // cannot be canceled: it ends with the process, or after the next key
		if err != nil || k.stopped.Load() {
			return
		}
		if n == 1 {
			pressed(key[0])
		}
	}
}

// Stop restores the terminal. It does nothing without a keyboard.
func (k *Keyboard) Stop() {
	if k != nil {
		k.stopped.Store(true)
		k.restore()
	}
}

// Suspend restores the terminal, stops the process until it is continued, and returns to raw mode.
func (k *Keyboard) Suspend() {
	k.restore()
	stopProcess()
	_, _ = term.MakeRaw(int(k.in.Fd())) // as at the start, where it worked
}

func (k *Keyboard) restore() { _ = term.Restore(int(k.in.Fd()), k.before) }
