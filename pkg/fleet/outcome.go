package fleet

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Outcome says what is known of a member whose work ended with an error.
type Outcome int

// The endings.
const (
	// Failed is an error of its own.
	Failed Outcome = iota
	// Unsettled is a member where something may be done and something not: the run was stopped between two of its
	// requests, or the answer to a write is lost.
	Unsettled
	// Untouched is a member where nothing is done: the run was stopped before its turn, or while it was only read.
	Untouched
)

// OutcomeOf judges the error of a member. Writes do not take part in the end of a run, so that what was canceled is a
// read.
func OutcomeOf(err error) Outcome {
	switch kind := tripletex.KindOf(err); {
	case errors.Is(err, ErrNotBegun), kind == tripletex.Canceled:
		return Untouched
	case errors.Is(err, context.Canceled), kind == tripletex.Unknown:
		return Unsettled
	default:
		return Failed
	}
}

// Count is how many members had which ending.
type Count struct{ Failed, Unsettled, Untouched int }

// Add counts one.
func (c *Count) Add(e Outcome) {
	switch e {
	case Failed:
		c.Failed++
	case Unsettled:
		c.Unsettled++
	case Untouched:
		c.Untouched++
	}
}

// Sum returns how many there are.
func (c Count) Sum() int { return c.Failed + c.Unsettled + c.Untouched }

// String says the counts in words, such as "; 2 failed, 500 untouched". It is empty where there are none.
func (c Count) String() string {
	var parts []string
	for _, part := range []struct {
		n    int
		word string
	}{{c.Failed, " failed"}, {c.Unsettled, " unsettled"}, {c.Untouched, " untouched"}} {
		if part.n > 0 {
			parts = append(parts, strconv.Itoa(part.n)+part.word)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "; " + strings.Join(parts, ", ")
}
