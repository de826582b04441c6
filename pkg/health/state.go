package health

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// State is a service state of the monitoring plugin API.
type State string

// The states.
const (
	OK       State = "OK"
	Warning  State = "WARNING"
	Critical State = "CRITICAL"
	Unknown  State = "UNKNOWN"
)

// ExitCode returns the exit code of a plugin: 0 for OK, 1 for WARNING, 2 for CRITICAL and 3 for any other state.
func (s State) ExitCode() int {
	if code := slices.Index([]State{OK, Warning, Critical}, s); code >= 0 {
		return code
	}
	return 3
}

// Worst returns the worst state: CRITICAL, then WARNING, UNKNOWN, OK. Without states it is OK.
func Worst(states ...State) State {
	worst := OK
	for _, s := range states {
		if s.severity() > worst.severity() {
			worst = s
		}
	}
	return worst
}

// severity returns the rank of a state, higher is worse; -1 for an invalid state.
func (s State) severity() int { return slices.Index([]State{OK, Unknown, Warning, Critical}, s) }

// Style returns the terminal style of the state.
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

// ParseState parses the name of a state, ignoring case.
func ParseState(name string) (State, error) {
	s := State(strings.ToUpper(name))
	if s.severity() < 0 {
		return "", fmt.Errorf("state %q: must be ok, warning, critical or unknown", name)
	}
	return s, nil
}
