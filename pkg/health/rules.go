package health

import (
	"slices"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Rules map statuses to states and set thresholds for counts. The zero value is the documented default.
type Rules struct {
	// Disabled is the state of a manually disabled subscription; empty means [Warning].
	Disabled State
	// Thresholds are the thresholds for counts.
	Thresholds Thresholds
}

func (r Rules) disabled() State {
	if r.Disabled == "" {
		return Warning
	}
	return r.Disabled
}

// StateOf returns the state of a status. The list of statuses is documented as open: an unknown DISABLED_ status is
// [Critical], any other unknown status is [Unknown].
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

// Count is the name of a number in a report.
type Count string

// The counts, named as in thresholds and performance data.
const (
	countActive        Count = "active"
	countDisabled      Count = "disabled"
	countTooManyErrors Count = "too_many_errors"
	countRateLimited   Count = "rate_limited"
	countMisuse        Count = "misuse"
	countOther         Count = "other"
	countTotal         Count = "total"
)

// statusCounts returns the counts of statuses in the order of [tripletex.Statuses], and the count of other statuses.
func statusCounts() []Count {
	return []Count{countActive, countDisabled, countTooManyErrors, countRateLimited, countMisuse, countOther}
}

// CountNames returns the names of all counts.
func CountNames() []string {
	all := append(statusCounts(), countTotal)
	names := make([]string, len(all))
	for i, c := range all {
		names[i] = string(c)
	}
	return names
}

// otherCode is the status code of unknown statuses.
const otherCode = 9

// statusCode returns the stable number of a status: 0 for ACTIVE, 1 for DISABLED, 2 for too many errors, 3 for the rate
// limit, 4 for misuse, 9 for any other.
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

// Counts are the numbers of subscriptions by status.
type Counts struct {
	Active        int `json:"active"`
	Disabled      int `json:"disabled"`
	TooManyErrors int `json:"tooManyErrors"`
	RateLimited   int `json:"rateLimited"`
	Misuse        int `json:"misuse"`
	Other         int `json:"other"`
	Total         int `json:"total"`
}

// of returns a pointer to a count.
func (c *Counts) of(name Count) *int {
	return map[Count]*int{
		countActive: &c.Active, countDisabled: &c.Disabled, countTooManyErrors: &c.TooManyErrors,
		countRateLimited: &c.RateLimited, countMisuse: &c.Misuse, countOther: &c.Other, countTotal: &c.Total,
	}[name]
}
