package backfill

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// failingPeriod is how long deliveries fail before Tripletex disables a subscription.
// Source: Tripletex, webhooks: "disabled after a week of failed deliveries".
const failingPeriod = 7 * 24 * time.Hour

// Gap is a period in which a subscription may have missed events.
type Gap struct {
	SubscriptionID int64
	Event          string
	Since          time.Time // zero if unknown
	Until          time.Time
	Company        fleet.Company
}

// Gaps returns the gaps of subscriptions that were just enabled. Before has their earlier state, and possibly that of
// other subscriptions.
func Gaps(c fleet.Company, before, enabled []tripletex.Subscription, now time.Time) []Gap {
	var gaps []Gap
	for _, s := range before {
		if slices.ContainsFunc(enabled, func(e tripletex.Subscription) bool { return e.ID == s.ID }) {
			gaps = append(gaps, Gap{Company: c, SubscriptionID: s.ID, Event: s.Event, Since: inactiveSince(s), Until: now})
		}
	}
	return gaps
}

// maxGaps is the number of gaps that Lines describes.
const maxGaps = 10

// Lines describes gaps and the commands that recover their events. With many, each gap names its company.
func Lines(gaps []Gap, commands []string, many bool) []string {
	if len(gaps) == 0 {
		return nil
	}
	lines := []string{"Events may have been missed."}
	if len(commands) > 0 {
		lines[0] += " To recover them:"
	}
	for _, command := range commands {
		lines = append(lines, "  "+command)
	}
	lines = append(lines, "Periods without deliveries:")
	for _, g := range gaps[:min(maxGaps, len(gaps))] {
		from, in := "an unknown time", ""
		if !g.Since.IsZero() {
			from = terminal.LocalTime(g.Since)
		}
		if many {
			in = " in " + g.Company.Label()
		}
		lines = append(lines, fmt.Sprintf("  %d %s from %s to %s%s", g.SubscriptionID, g.Event, from, terminal.LocalTime(g.Until), in))
	}
	if more := len(gaps) - maxGaps; more > 0 {
		lines = append(lines, fmt.Sprintf("  and %d more", more))
	}
	return lines
}

// inactiveSince returns the time of the last change of an inactive subscription, minus failingPeriod if it was disabled
// for failures; zero if unknown.
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

// Recoveries returns one backfill command per login that recovers the events of the gaps, in the order of the gaps. A
// command has no --since if the option has no effect for one of its kinds. Kinds that cannot be listed are left out.
// Deleted objects are found only in a complete list.
func Recoveries(gaps []Gap) []Recovery {
	var all []Recovery
	for _, gap := range gaps {
		i := slices.IndexFunc(all, func(r Recovery) bool { return r.Profile == gap.Company.Profile })
		if i < 0 {
			i, all = len(all), append(all, Recovery{Profile: gap.Company.Profile})
		}
		all[i].gaps = append(all[i].gaps, gap)
	}
	for i := range all {
		all[i].complete()
	}
	return slices.DeleteFunc(all, func(r Recovery) bool { return r.Arguments == "" })
}

// Recovery is one backfill command.
type Recovery struct {
	Profile   string
	Company   int64 // 0 for the company of the login, or for several companies
	Several   bool  // several companies
	Arguments string

	gaps []Gap
}

func (r *Recovery) complete() {
	var kinds []string
	var earliest time.Time
	deletes, dated := false, true
	r.Company = r.gaps[0].Company.CompanyID
	for _, gap := range r.gaps {
		r.Several = r.Several || gap.Company.CompanyID != r.Company
		name, verb, _ := strings.Cut(gap.Event, ".")
		kind, listed := tripletex.FindObjectKind(name)
		if !listed {
			continue
		}
		kinds = append(kinds, kind.Name)
		deletes = deletes || strings.EqualFold(verb, "delete")
		dated = dated && kind.ChangedSince && !gap.Since.IsZero()
		if earliest.IsZero() || gap.Since.Before(earliest) {
			earliest = gap.Since
		}
	}
	if len(kinds) == 0 {
		return
	}
	slices.Sort(kinds)
	r.Arguments = strings.Join(slices.Compact(kinds), " ")
	switch {
	case deletes:
		r.Arguments += " --deletes"
	case dated:
		r.Arguments += " --since " + earliest.UTC().Truncate(time.Second).Format(time.RFC3339)
	}
}
