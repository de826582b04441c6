package sandbox

import (
	"slices"
	"time"
)

// DefaultSpeed scales a week to a minute.
const DefaultSpeed = 7 * 24 * 60

// week is the duration of failures after which a subscription is disabled. Source: the official portal, second-hand.
const week = 7 * 24 * time.Hour

// coalescing delays an update so that later changes of the object replace it. Source: "some versions may be skipped
// under rapid changes"; the length is a guess.
const coalescing = 200 * time.Millisecond

// lease is the time after which a delivery in flight is considered lost and sent again.
const lease = 3 * time.Minute

// retryWaits returns the waits between the attempts of a delivery, 30 hours in total. Source: the official portal,
// second-hand, for growing waits over about 30 hours; the values are a guess.
func retryWaits(switches Switches) []time.Duration {
	if switches.is(switchRetryWaits, "even") {
		return slices.Repeat([]time.Duration{time.Hour}, 30)
	}
	var waits []time.Duration
	left := 30 * time.Hour
	for wait := 5 * time.Minute; left > 0; wait *= 2 {
		waits = append(waits, min(wait, left))
		left -= waits[len(waits)-1]
	}
	return waits
}

// scaled converts a duration of the service to one of the sandbox.
func (s *State) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) / s.Speed)
}
