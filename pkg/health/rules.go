package health

import (
	"slices"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Rules say which state each status means, and how many of each are too many. The zero value is what the
// documentation promises.
type Rules struct {
	// Disabled is the state of a subscription that somebody switched off; empty means [Warning].
	Disabled State
	// Thresholds judge the counts.
	Thresholds Thresholds
}

func (r Rules) disabled() State {
	if r.Disabled == "" {
		return Warning
	}
	return r.Disabled
}

// StateOf returns what a status means. The list of statuses is documented as open: one that says DISABLED is
// taken for the worst, and one that nobody has heard of is not taken for healthy.
func (r Rules) StateOf(status tripletex.Status) State {
	switch {
	case status == tripletex.Active:
		return OK
	case status == tripletex.Disabled:
		return r.disabled()
	case strings.HasPrefix(string(status), "DISABLED_"):
		return Critical
	default:
		return Unknown
	}
}

// A Count is one of the numbers that a report holds.
type Count string

// The counts, by the names that thresholds and performance data use.
const (
	countActive        Count = "active"
	countDisabled      Count = "disabled"
	countTooManyErrors Count = "too_many_errors"
	countRateLimited   Count = "rate_limited"
	countMisuse        Count = "misuse"
	countOther         Count = "other"
	countTotal         Count = "total"
)

// statusCounts are the counts of single statuses, in the order of [tripletex.Statuses], and that of all others.
func statusCounts() []Count {
	return []Count{countActive, countDisabled, countTooManyErrors, countRateLimited, countMisuse, countOther}
}

// CountNames returns the names of all counts.
func CountNames() []string {
	names := make([]string, 0, len(statusCounts())+1)
	for _, c := range append(statusCounts(), countTotal) {
		names = append(names, string(c))
	}
	return names
}

// otherCode is the status code of every status that is not known.
const otherCode = 9

// statusCode returns the number of a status, fixed for ever: 0 for ACTIVE, 1 for DISABLED, 2 for too many errors,
// 3 for the rate limit, 4 for misuse, 9 for any other.
func statusCode(status tripletex.Status) int {
	if i := slices.Index(tripletex.Statuses(), status); i >= 0 {
		return i
	}
	return otherCode
}

// countOf returns the count that a status belongs to.
func countOf(status tripletex.Status) Count {
	if code := statusCode(status); code != otherCode {
		return statusCounts()[code]
	}
	return countOther
}

// Counts are how many subscriptions have which status.
type Counts struct {
	Active        int `json:"active"`
	Disabled      int `json:"disabled"`
	TooManyErrors int `json:"tooManyErrors"`
	RateLimited   int `json:"rateLimited"`
	Misuse        int `json:"misuse"`
	Other         int `json:"other"`
	Total         int `json:"total"`
}

// of returns one of the counts, to read or to change.
func (c *Counts) of(name Count) *int {
	return map[Count]*int{
		countActive: &c.Active, countDisabled: &c.Disabled, countTooManyErrors: &c.TooManyErrors,
		countRateLimited: &c.RateLimited, countMisuse: &c.Misuse, countOther: &c.Other, countTotal: &c.Total,
	}[name]
}
