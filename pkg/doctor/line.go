package doctor

import (
	"fmt"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// Lines returns the finding as text, optionally in color. It is not truncated, because the cause is often at the end.
func (f Finding) Lines(color bool) string {
	state := fmt.Sprintf("%-8s", f.State)
	if color {
		state = f.State.style().Paint(state)
	}
	text := fmt.Sprintf("%s %-14s %s\n", state, f.Check, terminal.Safe(f.Text))
	if f.Repair != "" {
		text += fmt.Sprintf("%s to do: %s\n", strings.Repeat(" ", 23), terminal.Safe(f.Repair))
	}
	return text
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
