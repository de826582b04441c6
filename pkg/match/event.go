package match

import (
	"slices"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Events returns the names of the known events that match one of the patterns, ignoring case: each name once, in the
// spelling and order of known. Patterns without a match are returned as unknown.
func Events(patterns []string, known []tripletex.Event) (names, unknown []string) {
	for _, pattern := range patterns {
		found := false
		for _, e := range known {
			if !globFold(pattern, e.Name) {
				continue
			}
			found = true
			if !slices.Contains(names, e.Name) {
				names = append(names, e.Name)
			}
		}
		if !found {
			unknown = append(unknown, pattern)
		}
	}
	return names, unknown
}

// NearestEvents returns up to three known events that resemble an unknown name. For a pattern such as "ordr.*" it
// returns other patterns with the same verb that match an event.
func NearestEvents(name string, known []tripletex.Event) []string {
	var names []string
	_, verb, _ := strings.Cut(name, ".")
	for _, e := range known {
		candidate := e.Name
		if IsPattern(name) {
			object, _, _ := strings.Cut(e.Name, ".")
			candidate = object + "." + verb
		}
		if globFold(candidate, e.Name) && candidate != name && !slices.Contains(names, candidate) {
			names = append(names, candidate)
		}
	}
	return Nearest(name, names)
}
