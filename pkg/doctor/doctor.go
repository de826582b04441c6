// Package doctor looks for what is wrong: a list of small checks, each with what it found and what to do about it. It
// leaves logins, settings and printing to others.
package doctor

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"
)

// State is how a check ended.
type State string

// The states.
const (
	OK      State = "ok"
	Warning State = "warning" // it works, but not well, or not for long
	Failed  State = "failed"
	Skipped State = "skipped" // it could not be asked, as something else failed
)

// Finding is what a check found.
type Finding struct {
	Check string `json:"check"`
	State State  `json:"state"`
	// Text says what was found, in one line.
	Text string `json:"text"`
	// Repair says what to do about it; empty where nothing is to be done.
	Repair string `json:"repair,omitempty"`
}

// Good is the finding of a check that is content.
func Good(text string) Finding { return Finding{State: OK, Text: text} }

// Weak is a finding that is worth a repair, but stops nothing yet.
func Weak(text, repair string) Finding { return Finding{State: Warning, Text: text, Repair: repair} }

// Bad is a finding that keeps something from working.
func Bad(text, repair string) Finding { return Finding{State: Failed, Text: text, Repair: repair} }

// NotAsked is the finding of a check that has nothing to look at.
func NotAsked(text string) Finding { return Finding{State: Skipped, Text: text} }

// Check is one thing to look at.
type Check struct {
	Name string
	// Needs are the names of checks before it without which it makes no sense.
	Needs []string
	Look  func(ctx context.Context) Finding
}

// checkLimit is how long one check may take.
const checkLimit = 15 * time.Second

// Examine runs checks in their order and yields what each found. One whose needs have failed is skipped.
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
		return NotAsked("needs " + strings.Join(lacking, ", "))
	}
	if ctx.Err() != nil {
		return NotAsked("there was no time left")
	}
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	return check.Look(ctx)
}
