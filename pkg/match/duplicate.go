package match

import (
	"fmt"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/targeturl"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Identity returns the key of a subscription within a company: the event, ignoring case, and the normalized target without
// userinfo and query.
func Identity(event, target string) string {
	return strings.ToLower(event) + " " + targeturl.Identity(target)
}

// Duplicates returns the IDs of subscriptions with the identity of an older one, each with the ID of the oldest.
func Duplicates(all []tripletex.Subscription) map[int64]int64 {
	oldest, keys := make(map[string]int64, len(all)), make([]string, len(all))
	for i, s := range all {
		keys[i] = Identity(s.Event, s.TargetURL)
		if id, seen := oldest[keys[i]]; !seen || s.ID < id {
			oldest[keys[i]] = s.ID
		}
	}
	duplicates := map[int64]int64{}
	for i, s := range all {
		if first := oldest[keys[i]]; first != s.ID {
			duplicates[s.ID] = first
		}
	}
	return duplicates
}

// DuplicatesError reports duplicates that were found after subscriptions were created.
type DuplicatesError struct{ Names []string }

func (e *DuplicatesError) Error() string {
	const most = 20
	names := strings.Join(e.Names[:min(most, len(e.Names))], "; ")
	if more := len(e.Names) - most; more > 0 {
		names += fmt.Sprintf("; and %d more", more)
	}
	return "duplicates after create (same event and target): " + names
}

// DuplicatesOf returns the subscriptions of a list that have the event and target of a created one, without the created
// ones; nil without any.
func DuplicatesOf(created, all []tripletex.Subscription) *DuplicatesError {
	ids := map[string]int64{}
	for _, s := range created {
		ids[Identity(s.Event, s.TargetURL)] = s.ID
	}
	var names []string
	for _, s := range all {
		if id, ok := ids[Identity(s.Event, s.TargetURL)]; ok && id != s.ID {
			names = append(names, fmt.Sprintf("%d %s duplicates %d", id, s.Event, s.ID))
		}
	}
	if names == nil {
		return nil
	}
	return &DuplicatesError{names}
}
