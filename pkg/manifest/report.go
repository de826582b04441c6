package manifest

import (
	"slices"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Report is what became of a plan.
type Report struct {
	// Results has one for each change of the plan, in its order.
	Results []Result
	// Notes are those that the plan did not have: what somebody else did meanwhile, such as a duplicate.
	Notes []Note

	steps []*step
}

// Result is a change and what became of it.
type Result struct {
	Action  Action  `json:"action"`
	Outcome Outcome `json:"outcome"`
	// ID is 0 for a create that was not done.
	ID        int64  `json:"id"`
	Event     string `json:"event"`
	TargetURL string `json:"targetUrl"`
}

// Outcome is what became of a change.
type Outcome string

// The outcomes.
const (
	Done    Outcome = "done"    // the list shows it; where the run was interrupted, Tripletex said so
	Failed  Outcome = "failed"  // the list shows that it was not done, or not as wanted
	Skipped Outcome = "skipped" // something before it failed, or the run was interrupted
	Open    Outcome = "open"    // it was sent, and there is neither an answer nor a list to judge by
)

// Count returns how many changes had an outcome.
func (r Report) Count(outcome Outcome) int {
	n := 0
	for _, result := range r.Results {
		if result.Outcome == outcome {
			n++
		}
	}
	return n
}

// unproved reports what the answers said, where there is no list to judge by.
func unproved(steps []*step) Report {
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

// judge reports what the list shows.
func (r Run) judge(steps []*step, after []tripletex.Subscription, plan Plan) Report {
	again := r.Policy
	again.SendSecrets = SendNever // what was sent cannot be seen
	left := Diff(r.Want, after, again)
	missing := map[string]bool{}
	for _, c := range left.Changes {
		if c.Action != Delete {
			missing[c.wanted.identity()] = true
		}
	}
	present, made := map[int64]tripletex.Subscription{}, map[string]int64{}
	for _, s := range after {
		present[s.ID], made[identity(s.Event, s.TargetURL)] = s, s.ID
	}
	judged := report(steps, func(c Change, tried, answered bool) (Outcome, int64) {
		now, there := present[c.ID]
		switch {
		case !tried:
			return Skipped, 0
		case c.Action == Delete && there, c.Action != Delete && missing[c.wanted.identity()]:
			return Failed, 0
		case c.Action == Update && !answered && c.carriesSecret() && now.Version == c.Version:
			return Failed, 0
		case c.Action == Update && !answered && c.carriesSecret():
			return Open, 0 // the list cannot show what became of the secret
		default:
			return Done, made[c.wanted.identity()]
		}
	})
	judged.Notes = moved(plan, left)
	for _, note := range left.Notes {
		if !slices.ContainsFunc(plan.Notes, func(n Note) bool { return n.Kind == note.Kind && n.ID == note.ID }) {
			judged.Notes = append(judged.Notes, note)
		}
	}
	return judged
}

// moved notes what is to be created or updated after a plan, and was not before it.
func moved(plan, left Plan) []Note {
	planned := map[string]bool{}
	for _, c := range plan.Changes {
		planned[c.wanted.identity()] = true
	}
	var notes []Note
	for _, c := range left.Changes {
		if c.Action != Delete && !planned[c.wanted.identity()] {
			notes = append(notes, Note{Moved, c.ID, c.Event, c.TargetURL, "somebody else has changed it meanwhile; a new plan shows what"})
		}
	}
	return notes
}

func (c Change) carriesSecret() bool {
	return c.update.AuthHeaderValue != "" || c.update.HMACSharedSecret != ""
}

// report makes a result of every change.
func report(steps []*step, judge func(c Change, tried, answered bool) (Outcome, int64)) Report {
	r := Report{Results: []Result{}, steps: steps}
	for _, s := range steps {
		for i, c := range s.changes {
			outcome, id := judge(c, i < s.tried, i < s.answered)
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

// NoteSent notes in fingerprints what was certainly sent.
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
