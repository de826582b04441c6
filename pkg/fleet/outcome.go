package fleet

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Outcome classifies an account whose work returned an error.
type Outcome int

// The outcomes.
const (
	// Failed is any other error.
	Failed Outcome = iota
	// Unconfirmed is an account that may be partly changed: the run stopped between two requests, or the response to a
	// write was lost.
	Unconfirmed
	// Unchanged is an account without a change: the run stopped before its start, or while it was read.
	Unchanged
)

// OutcomeOf returns the outcome for the error of an account. Writes ignore cancellation, so a canceled request was a
// read.
func OutcomeOf(err error) Outcome {
	switch kind := tripletex.KindOf(err); {
	case errors.Is(err, ErrNotStarted), kind == tripletex.Canceled:
		return Unchanged
	case errors.Is(err, context.Canceled), kind == tripletex.Unknown:
		return Unconfirmed
	default:
		return Failed
	}
}

// Count holds the number of accounts by [Outcome].
type Count [Unchanged + 1]int

// Sum returns the total.
func (c Count) Sum() int { return c[Failed] + c[Unconfirmed] + c[Unchanged] }

// String returns the counts as a suffix such as "; 2 failed, 500 unchanged", or an empty string if all are zero.
func (c Count) String() string {
	var parts []string
	for outcome, name := range []string{Failed: "failed", Unconfirmed: "unconfirmed", Unchanged: "unchanged"} {
		if n := c[outcome]; n > 0 {
			parts = append(parts, strconv.Itoa(n)+" "+name)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "; " + strings.Join(parts, ", ")
}
