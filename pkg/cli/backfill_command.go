package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// backfillCommand returns the command that finds what subscriptions of a company have lost while they were off; empty
// where nothing of it can be listed. What is gone can be found only in a whole list.
func (a *App) backfillCommand(m fleet.Member, lost []lostEvents) string {
	var kinds []string
	var earliest time.Time
	whole := false
	for _, s := range lost {
		name, verb, _ := strings.Cut(s.event, ".")
		kind, listed := tripletex.FindObjectKind(name)
		if !listed {
			continue
		}
		if !slices.Contains(kinds, kind.Name) {
			kinds = append(kinds, kind.Name)
		}
		if whole = whole || s.since.IsZero() || strings.EqualFold(verb, "delete"); earliest.IsZero() || s.since.Before(earliest) {
			earliest = s.since
		}
	}
	if len(kinds) == 0 {
		return ""
	}
	text := "tlxhook"
	if a.settings.Origin("profile") == "--profile" && m.Profile != "" {
		text += " -p " + m.Profile
	}
	if m.CompanyID != 0 {
		text += fmt.Sprintf(" --company %d", m.CompanyID)
	}
	text += " backfill " + strings.Join(slices.Sorted(slices.Values(kinds)), " ")
	if whole {
		return text + " --deletes"
	}
	return text + " --since " + earliest.UTC().Truncate(time.Second).Format(time.RFC3339)
}
