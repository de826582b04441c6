package terminal

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

const (
	// showAfter is the duration after which progress is shown.
	showAfter = time.Second
	// redrawAfter is the shortest time between two drawings.
	redrawAfter = 100 * time.Millisecond
)

// Progress shows the progress of a long run on standard error, if that is a terminal. It is safe for concurrent use.
type Progress struct {
	mu     sync.Mutex
	to     io.Writer // nil without a terminal
	all    int
	done   int
	start  time.Time
	drawn  time.Time
	length int
}

// NewProgress starts the progress of a number of items; 0 if unknown.
func (t *Terminal) NewProgress(all int) *Progress {
	p := &Progress{all: all, start: time.Now()}
	if t.errTTY && !t.Quiet {
		p.to = t.Err
	}
	return p
}

// Step counts one item as done.
func (p *Progress) Step() { p.Add(1) }

// Add counts items as done.
func (p *Progress) Add(items int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += items
	now := time.Now()
	if p.to == nil || now.Sub(p.start) < showAfter || now.Sub(p.drawn) < redrawAfter {
		return
	}
	p.drawn = now
	p.show(bar(p.done, p.all, now.Sub(p.start)))
}

// Around removes the progress from the screen and calls write.
func (p *Progress) Around(write func() error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	return write()
}

// End removes the progress from the screen.
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

// show replaces the line.
func (p *Progress) show(text string) {
	rest := strings.Repeat(" ", max(p.length-len(text), 0))
	p.length = len(text)
	_, _ = fmt.Fprintf(p.to, "\r%s%s", text, rest)
}

// bar returns the progress and the estimated time left, in at most 60 columns for up to a million items.
func bar(done, all int, took time.Duration) string {
	if all == 0 {
		return fmt.Sprintf("%d so far, %s", done, took.Round(time.Second))
	}
	const width = 20
	full := width * done / max(all, 1)
	left := time.Duration(float64(took) / float64(max(done, 1)) * float64(all-done))
	drawn := strings.Repeat("=", full) + strings.Repeat(" ", width-full)
	return fmt.Sprintf("[%s] %d of %d, %s left", drawn, done, all, left.Round(time.Second))
}
