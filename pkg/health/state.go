package health

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// State is a verdict of the monitoring plugin API.
type State string

// The states.
const (
	OK       State = "OK"
	Warning  State = "WARNING"
	Critical State = "CRITICAL"
	Unknown  State = "UNKNOWN"
)

// ExitCode returns what a plugin exits with: 0 for OK, 1 for WARNING, 2 for CRITICAL and 3 for everything else.
func (s State) ExitCode() int {
	if code := slices.Index([]State{OK, Warning, Critical}, s); code >= 0 {
		return code
	}
	return 3
}

// Worst returns the worst of states: CRITICAL before WARNING before UNKNOWN before OK. Of none it is OK.
func Worst(states ...State) State {
	worst := OK
	for _, s := range states {
		if s.severity() > worst.severity() {
			worst = s
		}
	}
	return worst
}

// severity orders states, the worst last.
func (s State) severity() int { return slices.Index([]State{OK, Unknown, Warning, Critical}, s) }

// Style is how a screen shows the state.
func (s State) Style() terminal.Style {
	switch s {
	case OK:
		return terminal.Good
	case Warning:
		return terminal.Warning
	default:
		return terminal.Bad
	}
}

// ParseState reads the name of a state, in any case.
func ParseState(name string) (State, error) {
	s := State(strings.ToUpper(name))
	if s.severity() < 0 {
		return "", fmt.Errorf("state %q: must be ok, warning, critical or unknown", name)
	}
	return s, nil
}
