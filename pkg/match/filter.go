// Package match selects subscriptions and events by pattern, and suggests known names for a misspelled one.
//
// In a pattern "*" stands for any text, also none, and "?" for one character.
package match

import (
	"slices"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/targeturl"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Filter selects subscriptions. The entries of a list are alternatives; the lists are combined with AND. An empty
// list selects every subscription.
type Filter struct {
	IDs []int64
	// Events are patterns for the event name, ignoring case: "order.*", "*.delete".
	Events []string
	// Targets are patterns. One with "://" matches the target without userinfo, query and fragment; any other
	// matches the host name only, ignoring case.
	Targets []string
	// Statuses are patterns for the status, ignoring case.
	Statuses []string
}

// Empty reports whether the filter has no conditions.
func (f Filter) Empty() bool {
	return len(f.IDs)+len(f.Events)+len(f.Targets)+len(f.Statuses) == 0
}

// Match reports whether the filter selects a subscription.
func (f Filter) Match(s tripletex.Subscription) bool {
	return (len(f.IDs) == 0 || slices.Contains(f.IDs, s.ID)) &&
		matchAny(f.Events, s.Event, globFold) &&
		matchAny(f.Statuses, string(s.Status), globFold) &&
		matchAny(f.Targets, s.TargetURL, matchTarget)
}

func matchAny(patterns []string, text string, match func(pattern, text string) bool) bool {
	for _, pattern := range patterns {
		if match(pattern, text) {
			return true
		}
	}
	return len(patterns) == 0
}

func matchTarget(pattern, target string) bool {
	if strings.Contains(pattern, "://") {
		return glob(pattern, targeturl.Bare(target))
	}
	return globFold(pattern, targeturl.Host(target))
}
