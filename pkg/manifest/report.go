package manifest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Report is the result of a plan.
type Report struct {
	// Results has one item for each change of the plan, in its order.
	Results []Result
	// Notes are those that the plan did not have, caused by concurrent changes.
	Notes []Note

	steps []*step
}

// Result is a change and its outcome.
type Result struct {
	Action  Action  `json:"action" table:"ACTION"`
	Outcome Outcome `json:"outcome" table:"OUTCOME"`
	// ID is 0 for a create that was not made.
	ID        int64  `json:"id" table:"ID,omitzero"`
	Event     string `json:"event" table:"EVENT"`
	TargetURL string `json:"targetUrl" table:"TARGET,shrinks"`
}

// Outcome is the outcome of a change.
type Outcome string

// The outcomes.
const (
	Done    Outcome = "done"    // the list shows it, or without a list the response did
	Failed  Outcome = "failed"  // the list shows that it was not made, or not as wanted
	Skipped Outcome = "skipped" // not sent, as an earlier change failed or the run was stopped
	Open    Outcome = "open"    // sent, result unconfirmed
)

// Count returns the number of results with an outcome.
func (r Report) Count(outcome Outcome) int {
	n := 0
	for _, result := range r.Results {
		if result.Outcome == outcome {
			n++
		}
	}
	return n
}

// Summary counts the results, such as "2 created, 1 updated, 1 failed".
func (r Report) Summary() string {
	done := map[Action]int{}
	for _, result := range r.Results {
		if result.Outcome == Done {
			done[result.Action]++
		}
	}
	var parts []string
	for _, action := range []Action{Create, Update, Delete} {
		if n := done[action]; n > 0 {
			parts = append(parts, strconv.Itoa(n)+" "+string(action)+"d")
		}
	}
	for _, outcome := range []Outcome{Failed, Open, Skipped} {
		if n := r.Count(outcome); n > 0 {
			parts = append(parts, strconv.Itoa(n)+" "+string(outcome))
		}
	}
	return strings.Join(parts, ", ")
}

// unverified reports the results by the responses, without a list.
func unverified(steps []*step) Report {
	return report(steps, func(_ Change, tried, answered bool) (Outcome, int64) {
		switch {
		case answered:
			return Done, 0
		case tried:
			return Open, 0
		default:
			return Skipped, 0
		}
	})
}

// verified reports the results by the list after the run.
func (r Run) verified(steps []*step, after []tripletex.Subscription, plan Plan) Report {
	policy := r.Policy
	policy.SendSecrets = SendNever // the list does not show secrets
	policy.Dedupe = false          // so that duplicates are noted
	left := Diff(r.Want, after, policy)
	missing := map[string]bool{}
	for _, c := range left.Changes {
		if c.Action != Delete {
			missing[c.wanted.identity()] = true
		}
	}
	present, made := map[int64]tripletex.Subscription{}, map[string]int64{}
	for _, s := range after {
		present[s.ID], made[match.Identity(s.Event, s.TargetURL)] = s, s.ID
	}
	result := report(steps, func(c Change, tried, answered bool) (Outcome, int64) {
		now, there := present[c.ID]
		switch {
		case !tried:
			return Skipped, 0
		case c.Action == Delete && there, c.Action != Delete && missing[c.wanted.identity()]:
			return Failed, 0
		case c.Action == Update && !answered && c.carriesSecret() && now.Version == c.Version:
			return Failed, 0
		case c.Action == Update && !answered && c.carriesSecret():
			return Open, 0 // the list does not show the secret
		default:
			return Done, made[c.wanted.identity()]
		}
	})
	result.Notes = moved(plan, left)
	for _, note := range left.Notes {
		if !plan.knows(note) {
			result.Notes = append(result.Notes, note)
		}
	}
	return result
}

// knows reports whether a plan has a note, or deletes its subscription.
func (p Plan) knows(note Note) bool {
	return slices.ContainsFunc(p.Notes, func(n Note) bool { return n.Kind == note.Kind && n.ID == note.ID }) ||
		slices.ContainsFunc(p.Changes, func(c Change) bool { return c.Action == Delete && c.ID == note.ID })
}

// duplicates names the duplicates that the plan did not have.
func (r Report) duplicates() []string {
	var names []string
	for _, note := range r.Notes {
		if note.Kind == Duplicate {
			names = append(names, fmt.Sprintf("%d %s is %s", note.ID, note.Event, note.About))
		}
	}
	return names
}

// moved returns a note for each create or update that is needed after a plan and was not part of it.
func moved(plan, left Plan) []Note {
	planned := map[string]bool{}
	for _, c := range plan.Changes {
		planned[c.wanted.identity()] = true
	}
	var notes []Note
	for _, c := range left.Changes {
		if c.Action != Delete && !planned[c.wanted.identity()] {
			notes = append(notes, Note{Moved, c.ID, c.Event, c.TargetURL, "changed elsewhere during apply; create a new plan"})
		}
	}
	return notes
}

func (c Change) carriesSecret() bool {
	return c.update.AuthHeaderValue != "" || c.update.HMACSharedSecret != ""
}

// report returns a result for each change.
func report(steps []*step, outcomeOf func(c Change, tried, answered bool) (Outcome, int64)) Report {
	r := Report{Results: []Result{}, steps: steps}
	for _, s := range steps {
		for i, c := range s.changes {
			outcome, id := outcomeOf(c, i < s.tried, i < s.answered)
			if made, ok := s.made[c.wanted.identity()]; ok {
				id = made.ID
			}
			if c.ID != 0 {
				id = c.ID
			}
			r.Results = append(r.Results, Result{c.Action, outcome, id, c.Event, c.TargetURL})
		}
	}
	return r
}

// NoteSent updates fingerprints by the changes that succeeded.
func (r Report) NoteSent(f *Fingerprints) {
	for _, s := range r.steps {
		for i, c := range s.changes {
			made, created := s.made[c.wanted.identity()]
			now, updated := s.updated[c.ID]
			switch {
			case c.Action == Create && created:
				f.Created(c.create, made)
			case c.Action == Update && updated:
				f.Updated(c.update, now)
			case c.Action == Delete && i < s.answered:
				f.Deleted(c.ID)
			}
		}
	}
}
