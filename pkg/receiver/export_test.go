package receiver

import "time"

// ControlOf returns what judges each connection of a target.
func ControlOf(t *Target) func(network, address string) error {
	return func(network, address string) error { return t.guard.control(network, address, nil) }
}

// IdleAppTimeout is the time after which an idle connection to an app is closed.
const IdleAppTimeout = idleAppTimeout

// Backoff is how long a delivery waits.
func Backoff(failed int) time.Duration { return backoff(failed) }

// Matches tells whether a name fits a pattern.
func Matches(pattern, name string) bool { return matches(pattern, name) }
