package terminal

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/tlxhook/tlxhook/pkg/wait"
)

const (
	// showAfter is the duration after which progress is shown.
	showAfter = time.Second
	// redrawAfter is the time between two drawings.
	redrawAfter = 200 * time.Millisecond
)

// Status shows the task of a command that takes longer than a second: as one line that is replaced if standard error
// is a terminal, else as plain lines with --verbose. It is safe for concurrent use.
type Status struct {
	// Verbose prints a plain line for each task if standard error is not a terminal.
	Verbose bool
	// Off shows nothing.
	Off bool

	mu     sync.Mutex
	to     io.Writer
	screen bool
	tasks  []*Task
	timer  *time.Timer
	drawn  string // the line on the screen
}

// NewStatus returns the status line of a stream; screen is true if that is a terminal.
func NewStatus(to io.Writer, screen bool) *Status { return &Status{to: to, screen: screen} }

// Task is something that takes time.
type Task struct {
	status *Status
	text   string
	noun   string    // plural of the counted items; empty without a count
	all    int       // 0 if unknown
	done   int       // items
	start  time.Time // of the task
	until  time.Time // the known end of a wait
	told   bool      // a plain line was printed
}

// Begin shows a task until End.
func (s *Status) Begin(text string) *Task { return s.add(&Task{text: text}) }

// Wait shows a pause of a known length; reason is such as "for the rate limit". It ends by itself.
func (s *Status) Wait(pause time.Duration, reason string) {
	t := s.add(&Task{text: reason, until: time.Now().Add(pause)})
	time.AfterFunc(pause, t.End)
}

// Count shows the number of items that are done until End. Noun is the plural of the items; all is 0 if unknown.
func (s *Status) Count(all int, noun string) *Task { return s.add(&Task{all: all, noun: noun}) }

func (s *Status) add(t *Task) *Task {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.status, t.start = s, time.Now()
	s.tasks = append(s.tasks, t)
	if s.timer == nil && !s.Off && (s.screen || s.Verbose) {
		s.timer = time.AfterFunc(showAfter, s.tick)
	}
	return t
}

// Add counts items as done.
func (t *Task) Add(items int) {
	t.status.mu.Lock()
	defer t.status.mu.Unlock()
	t.done += items
}

// Step counts one item as done.
func (t *Task) Step() { t.Add(1) }

// End removes the task from the screen.
func (t *Task) End() {
	s := t.status
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tasks = slices.DeleteFunc(s.tasks, func(other *Task) bool { return other == t })
	if len(s.tasks) == 0 {
		s.stop()
	}
}

// Close removes the line and shows nothing from then on, also for tasks that have not ended.
func (s *Status) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Off, s.tasks = true, nil
	s.stop()
}

// stop ends the drawing and clears the line.
func (s *Status) stop() {
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	s.clear()
}

// tick draws the line and itself starts the next drawing.
func (s *Status) tick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer == nil {
		return // ended meanwhile
	}
	s.draw(time.Now())
	s.timer = time.AfterFunc(redrawAfter, s.tick)
}

func (s *Status) draw(now time.Time) {
	if s.screen {
		if text := s.line(now); text != "" && text != s.drawn {
			_, _ = io.WriteString(s.to, "\r"+text+restOfLine)
			s.drawn = text
		}
		return
	}
	for _, t := range s.tasks {
		if !t.told && now.Sub(t.start) >= showAfter {
			t.told = true
			_, _ = io.WriteString(s.to, t.describe(now)+"\n")
		}
	}
}

// restOfLine erases the rest of a line. Source: ECMA-48.
const restOfLine = "\x1b[K"

func (s *Status) clear() {
	if s.drawn != "" {
		_, _ = io.WriteString(s.to, "\r"+restOfLine)
		s.drawn = ""
	}
}

// line returns the count of the run and a wait, or the longest other task that takes longer than a second.
func (s *Status) line(now time.Time) string {
	var count, other string
	for _, t := range s.tasks {
		switch {
		case now.Sub(t.start) < showAfter && t.until.IsZero():
		case t.noun != "":
			count = t.describe(now)
		case other == "" || !t.until.IsZero():
			other = t.describe(now)
		}
	}
	if count != "" && other != "" {
		count += ". "
	}
	return count + other
}

// describe returns such as "12 of 40 companies, 3s left", "Waiting 17s for the rate limit", "list companies (8s)".
func (t *Task) describe(now time.Time) string {
	switch took := now.Sub(t.start); {
	case !t.until.IsZero():
		return fmt.Sprintf("Waiting %s %s", wait.Text(max(t.until.Sub(now)+time.Second-1, time.Second).Truncate(time.Second)), t.text)
	case t.noun == "":
		return fmt.Sprintf("%s (%s)", t.text, wait.Text(took.Truncate(time.Second)))
	case t.all == 0:
		return fmt.Sprintf("%d %s (%s)", t.done, t.noun, wait.Text(took.Truncate(time.Second)))
	case t.done == 0:
		return fmt.Sprintf("%d of %d %s", t.done, t.all, t.noun)
	default:
		left := time.Duration(float64(took) / float64(t.done) * float64(t.all-t.done))
		return fmt.Sprintf("%d of %d %s, %s left", t.done, t.all, t.noun, wait.Text(left.Round(time.Second)))
	}
}

// Writer returns a stream that removes the line before it writes; screen is true if the stream is a terminal. Only then
// drawing waits for the write: a pipe that is not read must not stop the task, nor messages.
func (s *Status) Writer(to io.Writer, screen bool) io.Writer { return statusWriter{s, to, screen} }

type statusWriter struct {
	status *Status
	to     io.Writer
	screen bool
}

func (w statusWriter) Write(p []byte) (int, error) {
	w.status.mu.Lock()
	w.status.clear()
	if w.screen {
		defer w.status.mu.Unlock()
	} else {
		w.status.mu.Unlock()
	}
	return w.to.Write(p)
}
