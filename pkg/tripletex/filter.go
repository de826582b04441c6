package tripletex

import (
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"

	"github.com/tlxhook/tlxhook/pkg/targeturl"
)

// Filter picks subscriptions. What is empty lets everything through; each list is a choice, and all must agree.
type Filter struct {
	IDs []int64
	// Events are patterns for event names, compared without case: "order.*", "*.delete".
	Events []string
	// Targets are patterns for the target without its credentials, or for its host where they hold no "://".
	Targets []string
	// Statuses are patterns for the status, compared without case.
	Statuses []string
}

// Empty tells whether the filter lets everything through.
func (f Filter) Empty() bool {
	return len(f.IDs)+len(f.Events)+len(f.Targets)+len(f.Statuses) == 0
}

// Match tells whether a subscription passes.
func (f Filter) Match(s Subscription) bool {
	return (len(f.IDs) == 0 || slices.Contains(f.IDs, s.ID)) &&
		anyMatch(f.Events, strings.ToLower(s.Event)) &&
		anyMatch(f.Statuses, strings.ToLower(string(s.Status))) &&
		(len(f.Targets) == 0 || slices.ContainsFunc(f.Targets, func(p string) bool { return matchTarget(p, s.TargetURL) }))
}

func anyMatch(patterns []string, lower string) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(p string) bool { return glob(strings.ToLower(p), lower) })
}

func matchTarget(pattern, target string) bool {
	if strings.Contains(pattern, "://") {
		return glob(pattern, targeturl.Bare(target))
	}
	return glob(strings.ToLower(pattern), strings.ToLower(targeturl.Host(target)))
}

// IsPattern tells whether a name of an event is a pattern, which must be expanded before it is subscribed to.
func IsPattern(event string) bool { return strings.ContainsAny(event, "*?") }

// glob matches text against a pattern in which "*" stands for any text and "?" for one character.
func glob(pattern, text string) bool {
	p, t := []rune(pattern), []rune(text)
	i, j := 0, 0
	star, mark := -1, 0 // the last star, and where its text ends so far
	for j < len(t) {
		switch {
		case i < len(p) && p[i] == '*':
			star, mark = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == t[j]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}

// ExpandEvents replaces patterns by the events they stand for, in the spelling and order of known, each once.
// What matches nothing is returned as unknown.
func ExpandEvents(patterns []string, known []Event) (names, unknown []string) {
	for _, pattern := range patterns {
		found := false
		for _, e := range known {
			if glob(strings.ToLower(pattern), strings.ToLower(e.Name)) {
				found = true
				if !slices.Contains(names, e.Name) {
					names = append(names, e.Name)
				}
			}
		}
		if !found {
			unknown = append(unknown, pattern)
		}
	}
	return names, unknown
}

// NearestEvents returns up to three events, or patterns for them, that somebody may have meant by one.
func NearestEvents(name string, known []Event) []string {
	var names []string
	_, verb, _ := strings.Cut(name, ".")
	for _, e := range known {
		meant := e.Name
		if IsPattern(name) {
			object, _, _ := strings.Cut(e.Name, ".")
			meant = object + "." + verb
		}
		if !slices.Contains(names, meant) {
			names = append(names, meant)
		}
	}
	return Nearest(name, names)
}

// Nearest returns up to three of the known names that somebody may have meant: those that begin like the name
// or hold it, those that a few typing errors away, and those with its two halves swapped.
func Nearest(name string, known []string) []string {
	name = strings.ToLower(name)
	first, second, _ := strings.Cut(name, ".")
	type candidate struct {
		name string
		far  int
	}
	var found []candidate
	for _, k := range known {
		lower := strings.ToLower(k)
		distance := levenshtein.ComputeDistance(name, lower)
		switch {
		case name != "" && strings.Contains(lower, name):
			found = append(found, candidate{k, 0})
		case lower == second+"."+first:
			found = append(found, candidate{k, 1})
		case distance <= max(2, len(name)/5):
			found = append(found, candidate{k, distance})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return a.far - b.far })
	nearest := make([]string, 0, 3)
	for _, c := range found[:min(3, len(found))] {
		nearest = append(nearest, c.name)
	}
	return nearest
}
