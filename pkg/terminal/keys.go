package terminal

import (
	"os"
	"sync/atomic"

	"golang.org/x/term"
)

// KeyInterrupt is the key Ctrl-C in raw mode.
const KeyInterrupt = 0x03

// Keys calls pressed for each byte from the keyboard until stop restores the terminal. Meanwhile the terminal is in raw
// mode: no echo, no signals from the keyboard, and lines end with "\r\n". ok is false if standard input is not a terminal.
func (t *Terminal) Keys(pressed func(key byte)) (stop func(), ok bool) {
	in, isFile := t.In.(*os.File)
	if !isFile || !t.inTTY {
		return func() {}, false
	}
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return func() {}, false
	}
	var stopped atomic.Bool
	go func() {
		key := make([]byte, 1)
		for {
			n, err := in.Read(key) // cannot be canceled: it ends with the process, or after the next key
			if err != nil || stopped.Load() {
				return
			}
			if n == 1 {
				pressed(key[0])
			}
		}
	}()
	return func() {
		stopped.Store(true)
		_ = term.Restore(int(in.Fd()), before)
	}, true
}
