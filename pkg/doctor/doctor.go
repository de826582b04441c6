// Package doctor diagnoses an installation or the target of a subscription with a list of small checks. Each returns a
// finding with a repair.
package doctor

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"
)

// State is the result state of a check.
type State string

// The states.
const (
	OK      State = "ok"
	Warning State = "warning" // works now, but needs a repair
	Failed  State = "failed"
	Skipped State = "skipped" // not run: a required check failed, or nothing to check
)

// Finding is the result of a check.
type Finding struct {
	Check string `json:"check" table:"CHECK"`
	State State  `json:"state" table:"STATE"`
	// Text is the result in one line.
	Text string `json:"text" table:"FOUND"`
	// Repair is the suggested repair; empty if the state is OK.
	Repair string `json:"repair,omitempty" table:"TO DO"`
	// OutOfTime means that the check was skipped because the time of the run was over.
	OutOfTime bool `json:"-"`
}

func pass(text string) Finding         { return Finding{State: OK, Text: text} }
func warn(text, repair string) Finding { return Finding{State: Warning, Text: text, Repair: repair} }
func fail(text, repair string) Finding { return Finding{State: Failed, Text: text, Repair: repair} }
func skip(text string) Finding         { return Finding{State: Skipped, Text: text} }

// Check is one check.
type Check struct {
	Name string
	// Needs are the names of earlier checks; if one of them fails or is skipped, this one is skipped.
	Needs []string
	Run   func(ctx context.Context) Finding
}

// checkLimit bounds the duration of one check.
const checkLimit = 15 * time.Second

// Examine runs checks in their order and yields their findings.
func Examine(ctx context.Context, checks []Check) iter.Seq[Finding] {
	return func(yield func(Finding) bool) {
		var failed []string
		for _, check := range checks {
			found := examine(ctx, check, failed)
			if found.Check = check.Name; found.State == Failed || found.State == Skipped {
				failed = append(failed, check.Name)
			}
			if !yield(found) {
				return
			}
		}
	}
}

func examine(ctx context.Context, check Check, failed []string) Finding {
	lacking := slices.DeleteFunc(slices.Clone(check.Needs), func(name string) bool { return !slices.Contains(failed, name) })
	if len(lacking) > 0 {
		return skip("needs " + strings.Join(lacking, ", "))
	}
	if ctx.Err() != nil {
		return Finding{State: Skipped, Text: "time limit reached", OutOfTime: true}
	}
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	return check.Run(ctx)
}
