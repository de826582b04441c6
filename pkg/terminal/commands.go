package terminal

import (
	"io"
	"strings"
	"sync"
)

// Log is a stream to the log of a CI system, which executes commands in lines: "::" at the start for GitHub Actions, "##["
// and "##name[" for Azure Pipelines and TeamCity. Log disables them, also across writes.
type Log struct {
	// JSON escapes "[" in JSON strings; in other text a blank is inserted before it.
	JSON bool
	// Own allows lines that start with "::", for a format of workflow commands with escaped content.
	Own bool

	mu   sync.Mutex
	to   io.Writer
	line []byte // since the last line end: the start and the last 32 bytes
	long bool   // line no longer contains the start
}

// NewLog returns a Log to a stream, or nil outside of a CI system.
func NewLog(to io.Writer, lookup func(string) (string, bool)) *Log {
	for _, name := range []string{"GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION"} {
		if value, _ := lookup(name); value != "" && !strings.EqualFold(value, "false") {
			return &Log{to: to}
		}
	}
	return nil
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]byte, 0, len(p))
	for _, c := range p {
		switch {
		case c == '[' && l.endsInName() && l.JSON:
			out = append(out, `\u005b`...)
		case c == '[' && l.endsInName(), c == ':' && !l.Own && !l.long && strings.TrimSpace(string(l.line)) == ":":
			out = append(out, ' ', c)
		default:
			out = append(out, c)
		}
		l.add(c)
	}
	if _, err := l.to.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// add adds a byte to the line. Blanks at its start count as one.
func (l *Log) add(c byte) {
	switch {
	case c == '\n' || c == '\r':
		l.line, l.long = l.line[:0], false
		return
	case !l.long && len(strings.TrimSpace(string(l.line))) == 0:
		l.line = l.line[:0]
	case len(l.line) >= 32:
		l.line, l.long = l.line[1:], true
	}
	l.line = append(l.line, c)
}

// endsInName reports whether the line ends in "##" and letters.
func (l *Log) endsInName() bool {
	return strings.HasSuffix(strings.TrimRight(string(l.line), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_."), "##")
}
