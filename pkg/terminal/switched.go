package terminal

import (
	"io"
	"sync"
)

// SwitchedWriter writes to a stream that can be replaced. It is safe for concurrent use.
type SwitchedWriter struct {
	mu sync.Mutex
	to io.Writer
}

// NewSwitchedWriter returns a writer to a stream.
func NewSwitchedWriter(to io.Writer) *SwitchedWriter { return &SwitchedWriter{to: to} }

// SwitchTo replaces the stream and returns the one before.
func (w *SwitchedWriter) SwitchTo(to io.Writer) (before io.Writer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before, w.to = w.to, to
	return before
}

// Write implements io.Writer.
func (w *SwitchedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(p)
}
