package terminal

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestProgressOfALongRunIsShownAndRemoved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var screen bytes.Buffer
		p := (&Terminal{Err: &screen, errTTY: true}).NewProgress(40)
		for range 9 {
			time.Sleep(100 * time.Millisecond)
			p.Step()
		}
		if screen.Len() != 0 {
			t.Errorf("after less than a second: %q", &screen)
		}
		time.Sleep(100 * time.Millisecond)
		p.Step()
		if got, want := screen.String(), "\r[=====               ] 10 of 40, 3s left"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		p.Step() // too soon to draw again
		screen.Reset()
		p.End()
		switch got := strings.Trim(screen.String(), "\r "); {
		case got != "":
			t.Errorf("left on the screen: got = %q, want %q", got, "")
		case !strings.HasSuffix(screen.String(), "\r"):
			t.Errorf("left on the screen: screen.String() = %q, want it to end with %q", screen.String(), "\r")
		}
	})
}

func TestProgressIsNotShownWithoutATerminal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := (&Terminal{Err: &out}).NewProgress(2)
		time.Sleep(time.Hour)
		p.Step()
		p.End()
		if out.Len() != 0 {
			t.Errorf("%q", &out)
		}
	})
}
