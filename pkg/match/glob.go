package match

import "strings"

// IsPattern reports whether an event name contains a wildcard.
func IsPattern(event string) bool { return strings.ContainsAny(event, "*?") }

// globFold is glob, ignoring case.
func globFold(pattern, text string) bool {
	return glob(strings.ToLower(pattern), strings.ToLower(text))
}

// glob reports whether all of text matches a pattern. It backtracks only to the last star, so its time is at most
// the product of both lengths.
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
	return strings.Trim(string(p[i:]), "*") == ""
}
