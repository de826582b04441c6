package manifest

import (
	"fmt"

	"github.com/goccy/go-yaml/token"
)

// Position is a place in a file, counted from 1; a column counts characters.
type Position struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

// String returns "file:line:column", as compilers write it and editors read it.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Problem is something that is wrong with a manifest.
type Problem struct {
	At   Position
	Text string
}

// String returns the place and what is wrong with it.
func (p Problem) String() string { return p.At.String() + ": " + p.Text }

// Error is everything that is wrong with a manifest, in the order of the files. It is never empty.
type Error struct{ Problems []Problem }

// Error returns the first problem, and how many more there are.
func (e *Error) Error() string {
	text := e.Problems[0].String()
	if more := len(e.Problems) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return text
}

// problems collects what is wrong with one file.
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

// failure returns an error if anything is wrong.
func failure(all []Problem) error {
	if len(all) == 0 {
		return nil
	}
	return &Error{all}
}
