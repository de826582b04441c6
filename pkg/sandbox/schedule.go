package sandbox

import "time"

// DefaultSpeed makes a week of failures pass in a minute.
const DefaultSpeed = 7 * 24 * 60

// week is how long deliveries to a subscription may fail before it is switched off. Source: the official portal, by
// way of others.
const week = 7 * 24 * time.Hour

// settle is how long the sandbox waits for further changes of an object before it tells about one. That it waits is
// what "some versions may be skipped under rapid changes" amounts to; for how long is a guess.
const settle = 200 * time.Millisecond

// lease is how long a delivery may be under way before it counts as lost.
const lease = 3 * time.Minute

// retryWaits are the waits between the attempts of a delivery, 30 hours together. Source of growing waits over
// about 30 hours: the official portal, by way of others; the waits themselves are a guess.
func retryWaits(switches Switches) []time.Duration {
	if switches.is(switchRetryWaits, "even") {
		waits := make([]time.Duration, 30)
		for i := range waits {
			waits[i] = time.Hour
		}
		return waits
	}
	var waits []time.Duration
	left := 30 * time.Hour
	for wait := 5 * time.Minute; left > 0; wait *= 2 {
		waits = append(waits, min(wait, left))
		left -= waits[len(waits)-1]
	}
	return waits
}

// scaled is how long something of the service takes in the sandbox.
func (s *State) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) / s.Speed)
}
