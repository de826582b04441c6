package health

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Kind is the kind of a transition.
type Kind string

// The kinds of transitions.
const (
	Baseline    Kind = "baseline"    // unhealthy in the first poll
	Changed     Kind = "changed"     // another status
	Appeared    Kind = "appeared"    // a new subscription
	Disappeared Kind = "disappeared" // a deleted subscription
)

// Transition is a reported change of a subscription.
type Transition struct {
	Time       time.Time        `json:"time"`
	Kind       Kind             `json:"kind"`
	ID         int64            `json:"id"`
	Event      string           `json:"event"`
	OldStatus  tripletex.Status `json:"oldStatus"` // empty for a new subscription
	NewStatus  tripletex.Status `json:"newStatus"` // empty for a deleted subscription
	State      State            `json:"state"`     // of the new status; CRITICAL for a deleted subscription
	TargetHost string           `json:"targetHost"`
	CompanyID  int64            `json:"companyId"`
	// Profile and Company identify the login and the company in a watch of several.
	Profile string `json:"profile,omitempty"`
	Company string `json:"companyName,omitempty"`

	repeated bool // reported by an earlier process
}

// String returns the transition as one line without control characters.
func (t Transition) String() string {
	name, from, to := words(strconv.FormatInt(t.ID, 10), t.Event), statusWords(t.OldStatus), statusWords(t.NewStatus)
	text := name + ": " + from + " -> " + to
	switch t.Kind {
	case Baseline:
		text = name + " is " + to
	case Appeared:
		text = name + " appeared: " + to
	case Disappeared:
		text = name + " disappeared: " + from
	case Changed:
	}
	switch {
	case t.Company != "":
		text += " in " + words(labelOf(t.CompanyID, t.Company))
	case t.CompanyID != 0:
		text += ", company " + strconv.FormatInt(t.CompanyID, 10)
	}
	if host := words(t.TargetHost); host != "" {
		text += " (" + host + ")"
	}
	return text
}

// Seen is the last reported state of a subscription.
type Seen struct {
	Event      string           `json:"event"`
	Status     tripletex.Status `json:"status"`
	TargetHost string           `json:"targetHost"`
	// Company is the name of its company in a watch of several.
	Company string `json:"company,omitempty"`
}

// Tracker finds the transitions between polls.
type Tracker struct {
	// For is how long a change must last before it is reported, against flapping.
	For time.Duration
	// Known is the last reported state by subscription ID; nil without an earlier report.
	Known map[int64]Seen
	// CompanyID is the company of the subscriptions; 0 is the login's own.
	CompanyID int64
	// Profile and Company identify the login and the company in a watch of several.
	Profile, Company string

	started bool
	pending map[int64]pending
}

// pending is a change that has not lasted long enough.
type pending struct {
	status tripletex.Status
	since  time.Time
}

// Observe records the findings of a poll and returns the transitions to report, ordered by ID. In the first poll these
// are all unhealthy subscriptions and all changes since an earlier process.
func (t *Tracker) Observe(at time.Time, findings []Finding) []Transition {
	now := make(map[int64]Finding, len(findings))
	for _, f := range findings {
		now[f.ID] = f
	}
	var transitions []Transition
	if !t.started {
		transitions = t.baseline(at, now)
		t.started, t.pending = true, map[int64]pending{}
	} else {
		transitions = t.changes(at, now)
	}
	for _, one := range transitions {
		if one.Kind == Disappeared {
			delete(t.Known, one.ID)
			continue
		}
		t.Known[one.ID] = Seen{one.Event, one.NewStatus, one.TargetHost, t.Company}
	}
	return transitions
}

func (t *Tracker) baseline(at time.Time, now map[int64]Finding) []Transition {
	first := t.Known == nil
	if first {
		t.Known = make(map[int64]Seen, len(now))
	}
	var transitions []Transition
	for _, id := range t.ids(now) {
		seen, known := t.Known[id]
		f, exists := now[id]
		switch {
		case first, known && exists && seen.Status == f.Status:
			t.Known[id] = Seen{f.Event, f.Status, f.TargetHost, t.Company}
			if f.State != OK {
				one := t.transition(at, Baseline, Seen{}, f)
				one.repeated = !first
				transitions = append(transitions, one)
			}
		default:
			transitions = append(transitions, t.compare(at, id, seen, known, f, exists))
		}
	}
	return transitions
}

func (t *Tracker) changes(at time.Time, now map[int64]Finding) []Transition {
	var transitions []Transition
	for _, id := range t.ids(now) {
		seen, known := t.Known[id]
		f, exists := now[id]
		if known == exists && seen.Status == f.Status {
			delete(t.pending, id)
			continue
		}
		if waiting, ok := t.pending[id]; !ok || waiting.status != f.Status {
			t.pending[id] = pending{f.Status, at}
		}
		if at.Sub(t.pending[id].since) >= t.For {
			delete(t.pending, id)
			transitions = append(transitions, t.compare(at, id, seen, known, f, exists))
		}
	}
	return transitions
}

// ids returns the sorted IDs of all known, found and pending subscriptions.
func (t *Tracker) ids(now map[int64]Finding) []int64 {
	all := slices.AppendSeq(slices.Collect(maps.Keys(now)), maps.Keys(t.Known))
	all = slices.AppendSeq(all, maps.Keys(t.pending))
	slices.Sort(all)
	return slices.Compact(all)
}

func (t *Tracker) compare(at time.Time, id int64, seen Seen, known bool, f Finding, exists bool) Transition {
	switch {
	case !exists:
		f = Finding{ID: id, Event: seen.Event, TargetHost: seen.TargetHost, State: Critical}
		return t.transition(at, Disappeared, seen, f)
	case !known:
		return t.transition(at, Appeared, seen, f)
	default:
		return t.transition(at, Changed, seen, f)
	}
}

func (t *Tracker) transition(at time.Time, kind Kind, seen Seen, f Finding) Transition {
	return Transition{
		Time: at.UTC().Truncate(time.Millisecond), Kind: kind, ID: f.ID, Event: f.Event, OldStatus: seen.Status, NewStatus: f.Status,
		State: f.State, TargetHost: f.TargetHost, CompanyID: t.CompanyID, Profile: t.Profile, Company: t.Company,
	}
}
