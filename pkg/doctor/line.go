package doctor

import (
	"fmt"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// margin is the width of the columns before the text of a finding.
const margin = 24

// Lines returns the finding as text for a screen, optionally in color. A width of 0 columns disables wrapping. The text is
// not truncated, because the cause is often at the end.
func (f Finding) Lines(width int, color bool) string {
	state := fmt.Sprintf("%-8s", f.State)
	if color {
		state = f.State.style().Paint(state)
	}
	lines := wrapped(f.Text, width-margin)
	if f.Repair != "" {
		lines = append(lines, wrapped("to do: "+f.Repair, width-margin)...)
	}
	return fmt.Sprintf("%s %-14s %s\n", state, f.Check, strings.Join(lines, "\n"+strings.Repeat(" ", margin)))
}

// wrapped returns safe text in lines of at most width columns, or in one line if the width is not positive.
func wrapped(text string, width int) []string {
	text = terminal.Safe(text)
	if width <= 0 {
		return []string{text}
	}
	return terminal.Wrap(strings.Split(text, " "), width)
}

func (s State) style() terminal.Style {
	switch s {
	case OK:
		return terminal.Good
	case Failed:
		return terminal.Bad
	default:
		return terminal.Warning
	}
}
