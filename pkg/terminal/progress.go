package terminal

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

const (
	// patience is how long a run lasts before its progress is shown.
	patience = time.Second
	// redrawAfter is how often it is drawn.
	redrawAfter = 100 * time.Millisecond
)

// Progress shows how far a long run has come, on the screen of messages. It shows nothing where that is no screen, and
// nothing of a short run. It is safe for concurrent use.
type Progress struct {
	mu     sync.Mutex
	to     io.Writer // nil where nobody looks
	all    int
	done   int
	start  time.Time
	drawn  time.Time
	length int
}

// NewProgress begins to show a run over a number of things; 0 is a number that is not known.
func (t *Terminal) NewProgress(all int) *Progress {
	p := &Progress{all: all, start: time.Now()}
	if t.errTTY && !t.Quiet {
		p.to = t.Err
	}
	return p
}

// Step counts one thing as done.
func (p *Progress) Step() { p.Add(1) }

// Add counts things as done.
func (p *Progress) Add(things int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += things
	now := time.Now()
	if p.to == nil || now.Sub(p.start) < patience || now.Sub(p.drawn) < redrawAfter {
		return
	}
	p.drawn = now
	p.show(bar(p.done, p.all, now.Sub(p.start)))
}

// Around takes the progress off the screen while something else is printed.
func (p *Progress) Around(write func() error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	return write()
}

// End takes the progress off the screen.
func (p *Progress) End() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}

func (p *Progress) clear() {
	if p.length > 0 {
		p.show("")
		_, _ = io.WriteString(p.to, "\r")
	}
}

// show writes a line over the one before.
func (p *Progress) show(text string) {
	rest := strings.Repeat(" ", max(p.length-len(text), 0))
	p.length = len(text)
	_, _ = fmt.Fprintf(p.to, "\r%s%s", text, rest) // there is nowhere to complain
}

// bar draws how much is done, and how long the rest will take at this pace. It fits 60 columns for up to a million.
func bar(done, all int, took time.Duration) string {
	if all == 0 {
		return fmt.Sprintf("%d so far, %s", done, took.Round(time.Second))
	}
	const width = 20
	full := width * done / max(all, 1)
	left := time.Duration(float64(took) / float64(max(done, 1)) * float64(all-done))
	return fmt.Sprintf("[%s%s] %d of %d, %s left", strings.Repeat("=", full), strings.Repeat(" ", width-full), done, all, left.Round(time.Second))
}
