package cli

import (
	"slices"
	"time"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// lostEvents is what may be lost of a subscription that was switched on again.
type lostEvents struct {
	id      int64
	event   string
	since   time.Time // zero where nothing tells
	until   time.Time
	company string // empty where there are not several
}

// eventsLost returns what may be lost of those of the subscriptions that were switched on, as they were before.
func eventsLost(before, done []tripletex.Subscription, now time.Time) []lostEvents {
	var all []lostEvents
	for _, s := range before {
		if !slices.ContainsFunc(done, func(d tripletex.Subscription) bool { return d.ID == s.ID }) {
			continue
		}
		since, _ := health.LostSince(s)
		all = append(all, lostEvents{id: s.ID, event: s.Event, since: since, until: now})
	}
	return all
}

// minute is how exactly a person is told a time.
const minute = "2006-01-02 15:04"

// tellLost says what may be lost, from when to when, and what finds it. It is the one place that says how.
func (a *App) tellLost(all []lostEvents, commands []string) {
	if len(all) == 0 {
		return
	}
	a.note("events may be lost; backfill finds what these were about")
	for _, l := range all {
		from, in := "an unknown time", ""
		if !l.since.IsZero() {
			from = l.since.Local().Format(minute)
		}
		if l.company != "" {
			in = " in " + l.company
		}
		a.note("  %d %s from %s to %s%s", l.id, l.event, from, l.until.Local().Format(minute), in)
	}
	for _, command := range commands {
		a.note("  %s", command)
	}
}
