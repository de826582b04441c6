package backfill

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// failingPeriod is how long deliveries fail before Tripletex disables a subscription.
// Source: Tripletex, webhooks: "disabled after a week of failed deliveries".
const failingPeriod = 7 * 24 * time.Hour

// Gap is a time in which a subscription may have missed events.
type Gap struct {
	SubscriptionID int64
	Event          string
	Since          time.Time // zero where the changes of the subscription do not tell
	Until          time.Time
	Company        string // its label in a run over many companies
}

// Gaps returns the gaps of subscriptions that were enabled now; before holds them, and others, as they were.
func Gaps(before, enabled []tripletex.Subscription, now time.Time) []Gap {
	var gaps []Gap
	for _, s := range before {
		if slices.ContainsFunc(enabled, func(e tripletex.Subscription) bool { return e.ID == s.ID }) {
			gaps = append(gaps, Gap{SubscriptionID: s.ID, Event: s.Event, Since: inactiveSince(s), Until: now})
		}
	}
	return gaps
}

// Lines returns gaps, and the commands that find their events, for a person.
func Lines(gaps []Gap, commands []string) []string {
	if len(gaps) == 0 {
		return nil
	}
	lines := []string{"events may be lost; backfill finds what these were about"}
	for _, g := range gaps {
		from, in := "an unknown time", ""
		if !g.Since.IsZero() {
			from = terminal.LocalTime(g.Since)
		}
		if g.Company != "" {
			in = " in " + g.Company
		}
		lines = append(lines, fmt.Sprintf("  %d %s from %s to %s%s", g.SubscriptionID, g.Event, from, terminal.LocalTime(g.Until), in))
	}
	for _, command := range commands {
		lines = append(lines, "  "+command)
	}
	return lines
}

// inactiveSince returns the time of the last change of an inactive subscription, less failingPeriod where deliveries
// had failed; zero where it is not known.
func inactiveSince(s tripletex.Subscription) time.Time {
	if s.Status == tripletex.Active || len(s.Changes) == 0 {
		return time.Time{}
	}
	last, err := time.Parse(time.RFC3339, s.Changes[len(s.Changes)-1].Timestamp)
	switch {
	case err != nil:
		return time.Time{}
	case s.Status == tripletex.DisabledTooManyErrors:
		return last.Add(-failingPeriod)
	default:
		return last
	}
}

// RecoveryArguments returns the arguments of the backfill command that finds the events of gaps; empty where none of
// their objects can be listed. Deleted objects are found only in a complete list.
func RecoveryArguments(gaps []Gap) string {
	var kinds []string
	var earliest time.Time
	complete := false
	for _, gap := range gaps {
		name, verb, _ := strings.Cut(gap.Event, ".")
		kind, listed := tripletex.FindObjectKind(name)
		if !listed {
			continue
		}
		kinds = append(kinds, kind.Name)
		complete = complete || gap.Since.IsZero() || strings.EqualFold(verb, "delete")
		if earliest.IsZero() || gap.Since.Before(earliest) {
			earliest = gap.Since
		}
	}
	if len(kinds) == 0 {
		return ""
	}
	slices.Sort(kinds)
	text := strings.Join(slices.Compact(kinds), " ")
	if complete {
		return text + " --deletes"
	}
	return text + " --since " + earliest.UTC().Truncate(time.Second).Format(time.RFC3339)
}
