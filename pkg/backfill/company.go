package backfill

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// ErrNoSubscription means that no selected subscription is for objects that can be listed.
var ErrNoSubscription = errors.New("no active subscription to events of objects that can be listed")

// PartialError means that some kinds of objects failed. Err is the first failure.
type PartialError struct {
	Failed, Kinds int
	Err           error
}

func (e *PartialError) Error() string {
	return fmt.Sprintf("%d of %d kinds of objects failed: %v", e.Failed, e.Kinds, e.Err)
}

// Unwrap returns the first failure.
func (e *PartialError) Unwrap() error { return e.Err }

// Choice selects the objects of a run.
type Choice struct {
	// Kinds are the kinds of objects; empty for those of the active subscriptions.
	Kinds []tripletex.ObjectKind
	// Filter selects the subscriptions whose deliveries are replaced.
	Filter match.Filter
	// ChangedSince, From and To narrow the lists; zero for no limit.
	ChangedSince, From, To time.Time
	// Fields replaces the fields of the subscriptions; empty to keep them.
	Fields string
}

// Check returns a [LimitError] for a limit that has no effect for a kind of objects.
func (c Choice) Check(kind tripletex.ObjectKind) error {
	switch {
	case !c.ChangedSince.IsZero() && !kind.ChangedSince:
		return &LimitError{kind.Name, false}
	case (!c.From.IsZero() || !c.To.IsZero()) && !kind.Dated:
		return &LimitError{kind.Name, true}
	}
	return nil
}

// LimitError is a limit without an effect for a kind of objects: of dates, or of the time of changes.
type LimitError struct {
	Kind  string
	Dated bool
}

func (e *LimitError) Error() string {
	limit := "the time of changes"
	if e.Dated {
		limit = "dates"
	}
	return "a limit of " + limit + " has no effect for " + e.Kind
}

// Result is the outcome of one kind.
type Result struct {
	Counts
	Err error
}

// All backfills every selected kind. A failure of one kind does not stop the others, unless it affects all of them. The
// results are valid even with an error.
func (r *Run) All(ctx context.Context, c Choice) ([]Result, error) {
	if r.Company == 0 {
		who, err := r.Client.WhoAmI(ctx)
		if err != nil {
			return nil, err
		}
		r.Company = who.CompanyID
	}
	plans, err := r.plans(ctx, c)
	if err != nil {
		return nil, err
	}
	var results []Result
	var failures []error
	for _, p := range plans {
		counts, err := r.Kind(ctx, p)
		results = append(results, Result{counts, err})
		if err != nil {
			failures = append(failures, err)
		}
		if ctx.Err() != nil || stopsAll(err) {
			break
		}
	}
	switch {
	case len(failures) == 0:
		return results, nil
	case len(failures) == len(results) || ctx.Err() != nil:
		return results, failures[0]
	}
	return results, &PartialError{len(failures), len(plans), failures[0]}
}

// stopsAll reports whether an error is one of the journal or the login, which affects every kind.
func stopsAll(err error) bool {
	kind := tripletex.KindOf(err)
	return err != nil && (kind == "" || kind == tripletex.Unauthorized)
}

// plans returns the plans of a choice, and sets the subscriptions of the run.
func (r *Run) plans(ctx context.Context, c Choice) ([]Plan, error) {
	var chosen []tripletex.Subscription
	for s, err := range r.Client.Subscriptions(ctx, "") {
		if err != nil {
			return nil, err
		}
		r.Subscriptions = append(r.Subscriptions, s.ID)
		if c.Filter.Match(s) {
			chosen = append(chosen, s)
		}
	}
	var plans []Plan
	for _, kind := range c.Kinds {
		plans = append(plans, NewPlan(kind, chosen, false))
	}
	if len(c.Kinds) == 0 {
		plans = Plans(chosen)
	}
	if len(plans) == 0 {
		return nil, ErrNoSubscription
	}
	for i := range plans {
		if err := c.Check(plans[i].Kind); err != nil {
			return nil, err
		}
		c.narrow(&plans[i])
	}
	return plans, nil
}

// narrow applies the limits and the fields to a plan.
func (c Choice) narrow(p *Plan) {
	p.List.ChangedSince = c.ChangedSince
	if !c.From.IsZero() {
		p.List.From = c.From
	}
	if !c.To.IsZero() {
		p.List.To = c.To
	}
	if c.Fields != "" {
		p.SetFields(c.Fields)
	}
}

// minFree is the disk space in bytes that a run leaves free.
const minFree = 256 << 20

// OpenJournal opens a journal for a run. It is owned if the run forwards and no other program owns the journal;
// otherwise the owner forwards.
func OpenJournal(folder string, forwards bool) (j *journal.Journal, owned bool, err error) {
	if !forwards {
		if j, err = journal.Attach(folder); !errors.Is(err, journal.ErrAbsent) {
			return j, false, err
		}
	}
	j, err = journal.Open(folder, journal.Options{MinFree: minFree})
	if errors.Is(err, journal.ErrLocked) {
		j, err = journal.Attach(folder)
		return j, false, err
	}
	return j, true, err
}
