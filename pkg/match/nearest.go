package match

import (
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Nearest returns up to three known names that resemble a name, the most similar first, ignoring case. A known name
// resembles it if it contains the name, if it has the two parts around the dot swapped, or if its edit distance is at
// most 2, or a fifth of the length of the name if that is more.
func Nearest(name string, known []string) []string {
	type candidate struct {
		name     string
		distance int
	}
	var found []candidate
	for _, k := range known {
		if distance, ok := resembles(strings.ToLower(name), strings.ToLower(k)); ok {
			found = append(found, candidate{k, distance})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return a.distance - b.distance })
	nearest := make([]string, 0, 3)
	for _, c := range found[:min(3, len(found))] {
		nearest = append(nearest, c.name)
	}
	return nearest
}

// resembles returns the distance of a known name, or false if it is not similar.
func resembles(name, known string) (distance int, ok bool) {
	first, second, _ := strings.Cut(name, ".")
	distance = levenshtein.ComputeDistance(name, known)
	switch {
	case name != "" && strings.Contains(known, name):
		return 0, true
	case known == second+"."+first:
		return 1, true
	}
	return distance, distance <= max(2, len(name)/5)
}
