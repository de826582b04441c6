package doctor

import (
	"fmt"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// Lines returns the finding for a person, in color if it has any. It is not cut to the screen, as the cause is often at
// its end.
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
