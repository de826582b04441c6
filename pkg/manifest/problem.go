package manifest

import (
	"errors"
	"fmt"

	"github.com/goccy/go-yaml/token"
)

// Position is a position in a file. Lines and columns start at 1; a column counts characters.
type Position struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

// String returns "file:line:column", the format of compilers and editors.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Problem is an error at a position of a manifest.
type Problem struct {
	At   Position
	Text string
}

// String returns the position and the text.
func (p Problem) String() string { return p.At.String() + ": " + p.Text }

// ErrInvalid is the cause of every [*Error].
var ErrInvalid = errors.New("invalid manifest")

// Error lists the problems of a manifest or its secrets in the order of the files. It has at least one.
type Error struct{ Problems []Problem }

// Unwrap returns [ErrInvalid].
func (e *Error) Unwrap() error { return ErrInvalid }

// Error returns the first problem and the number of further ones.
func (e *Error) Error() string {
	text := e.Problems[0].String()
	if more := len(e.Problems) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return text
}

// More returns the problems after the first, at most 20 and the number of the rest.
func (e *Error) More() []string {
	const most = 20
	var lines []string
	for _, problem := range e.Problems[1:min(most, len(e.Problems))] {
		lines = append(lines, problem.String())
	}
	if more := len(e.Problems) - most; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return lines
}

// problems collects the problems of one file.
type problems struct {
	file string
	all  []Problem
}

func (p *problems) add(at Position, format string, args ...any) {
	p.all = append(p.all, Problem{at, fmt.Sprintf(format, args...)})
}

func (p *problems) at(t *token.Token) Position {
	if t == nil || t.Position == nil {
		return Position{File: p.file}
	}
	return Position{p.file, t.Position.Line, t.Position.Column}
}

// failure returns an [*Error], or nil without problems.
func failure(all []Problem) error {
	if len(all) == 0 {
		return nil
	}
	return &Error{all}
}
