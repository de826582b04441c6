package health

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Kind says what a transition is.
type Kind string

// The kinds of transitions.
const (
	Baseline    Kind = "baseline"    // it is not well at the first look
	Changed     Kind = "changed"     // it has another status
	Appeared    Kind = "appeared"    // it was not there before
	Disappeared Kind = "disappeared" // it is not there any more
)

// Transition is something that happened to a subscription.
type Transition struct {
	Time       time.Time        `json:"time"`
	Kind       Kind             `json:"kind"`
	ID         int64            `json:"id"`
	Event      string           `json:"event"`
	OldStatus  tripletex.Status `json:"oldStatus"` // empty where it was not there
	NewStatus  tripletex.Status `json:"newStatus"` // empty where it is not there
	State      State            `json:"state"`     // what the new status means; CRITICAL where it is gone
	TargetHost string           `json:"targetHost"`
	CompanyID  int64            `json:"companyId"`
	// Profile and Company name the login and the company, where there are several.
	Profile string `json:"profile,omitempty"`
	Company string `json:"companyName,omitempty"`

	repeated bool // an earlier process has told of it
}

// String says in one line of harmless text what happened.
func (t Transition) String() string {
	name, from, to := words(strconv.FormatInt(t.ID, 10), t.Event), statusWords(t.OldStatus), statusWords(t.NewStatus)
	text := name + ": " + from + " -> " + to
	switch t.Kind {
	case Baseline:
		text = name + " is " + to
	case Appeared:
		text = name + " appeared: " + to
	case Disappeared:
		text = name + " is gone; it was " + from
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

// Seen is what was last told of a subscription.
type Seen struct {
	Event      string           `json:"event"`
	Status     tripletex.Status `json:"status"`
	TargetHost string           `json:"targetHost"`
	// Company is the name of its company, where there are several.
	Company string `json:"company,omitempty"`
}

// Tracker finds transitions between looks.
type Tracker struct {
	// For is how long something new must last before it is told; against flapping.
	For time.Duration
	// Known is what was told before, and nil where nothing was.
	Known map[int64]Seen
	// CompanyID is the company of all of them; 0 is the login's own.
	CompanyID int64
	// Profile and Company name the login and the company, where there are several.
	Profile, Company string

	looked  bool
	pending map[int64]pending
}

// pending is something new that has not lasted long enough.
type pending struct {
	status tripletex.Status
	since  time.Time
}

// Observe takes in what was found and returns what is to be told, in the order of ids. At the first look that is
// everything that is not well, and everything that changed since an earlier process.
func (t *Tracker) Observe(at time.Time, found []Finding) []Transition {
	now := make(map[int64]Finding, len(found))
	for _, f := range found {
		now[f.ID] = f
	}
	var told []Transition
	if !t.looked {
		told = t.baseline(at, now)
		t.looked, t.pending = true, map[int64]pending{}
	} else {
		told = t.changes(at, now)
	}
	for _, one := range told {
		if one.Kind == Disappeared {
			delete(t.Known, one.ID)
			continue
		}
		t.Known[one.ID] = Seen{one.Event, one.NewStatus, one.TargetHost, t.Company}
	}
	return told
}

func (t *Tracker) baseline(at time.Time, now map[int64]Finding) []Transition {
	first := t.Known == nil
	if first {
		t.Known = make(map[int64]Seen, len(now))
	}
	var told []Transition
	for _, id := range t.ids(now) {
		seen, known := t.Known[id]
		f, there := now[id]
		switch {
		case first, known && there && seen.Status == f.Status:
			t.Known[id] = Seen{f.Event, f.Status, f.TargetHost, t.Company}
			if f.State != OK {
				one := t.transition(at, Baseline, Seen{}, f)
				one.repeated = !first
				told = append(told, one)
			}
		default:
			told = append(told, t.compare(at, id, seen, known, f, there))
		}
	}
	return told
}

func (t *Tracker) changes(at time.Time, now map[int64]Finding) []Transition {
	var told []Transition
	for _, id := range t.ids(now) {
		seen, known := t.Known[id]
		f, there := now[id]
		if known == there && seen.Status == f.Status {
			delete(t.pending, id)
			continue
		}
		if waiting, ok := t.pending[id]; !ok || waiting.status != f.Status {
			t.pending[id] = pending{f.Status, at}
		}
		if at.Sub(t.pending[id].since) >= t.For {
			delete(t.pending, id)
			told = append(told, t.compare(at, id, seen, known, f, there))
		}
	}
	return told
}

// ids returns every id that is known, found or waited for, in order.
func (t *Tracker) ids(now map[int64]Finding) []int64 {
	all := slices.AppendSeq(slices.Collect(maps.Keys(now)), maps.Keys(t.Known))
	all = slices.AppendSeq(all, maps.Keys(t.pending))
	slices.Sort(all)
	return slices.Compact(all)
}

func (t *Tracker) compare(at time.Time, id int64, seen Seen, known bool, f Finding, there bool) Transition {
	switch {
	case !there:
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
