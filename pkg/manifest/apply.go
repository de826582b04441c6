package manifest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Service is the part of the Tripletex API that a run uses.
type Service interface {
	// Subscriptions yields every subscription.
	Subscriptions(ctx context.Context, fields string) iter.Seq2[tripletex.Subscription, error]
	// CreateSubscriptions, UpdateSubscriptions and DeleteSubscriptions send one request each.
	CreateSubscriptions(ctx context.Context, wanted []tripletex.NewSubscription) ([]tripletex.Subscription, error)
	UpdateSubscriptions(ctx context.Context, updates []tripletex.SubscriptionUpdate) ([]tripletex.Subscription, error)
	DeleteSubscriptions(ctx context.Context, ids []int64) error
}

// List returns every subscription of a service.
func List(ctx context.Context, s Service) ([]tripletex.Subscription, error) {
	var all []tripletex.Subscription
	for one, err := range s.Subscriptions(ctx, "") {
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// Run executes plans.
type Run struct {
	Service Service
	Want    *Want
	Policy  Policy
	// Stop is called before every request; an error ends the run. A request in flight is always finished. Nil never
	// stops.
	Stop func() error
	// Pause waits between the last call and the list that verifies the result; nil for no wait.
	Pause func(context.Context) error
}

// Errors of a run in which every request succeeded.
var (
	ErrNotListed  = errors.New("all requests succeeded, but the list does not contain the changes")
	ErrUnverified = errors.New("the result was not verified") // of every [UnverifiedError]
)

// UnverifiedError reports that every request succeeded, but the result was not verified.
type UnverifiedError struct{ Cause error }

// Error returns one line.
func (e *UnverifiedError) Error() string {
	switch {
	case errors.Is(e.Cause, context.Canceled):
		return "all requests succeeded, but the verification was interrupted"
	case errors.Is(e.Cause, context.DeadlineExceeded):
		return "all requests succeeded, but no time was left to verify the result"
	default:
		return "all requests succeeded, but the result could not be verified: " + e.Cause.Error()
	}
}

// Unwrap returns [ErrUnverified] and the cause.
func (e *UnverifiedError) Unwrap() []error { return []error{ErrUnverified, e.Cause} }

// Apply executes a plan with one request for each verb, or several if Tripletex refuses the size. Creates precede
// updates and deletes, so that no event is missed. It stops at the first failure, then lists all subscriptions to
// verify every change. The report is valid also with an error.
func (r Run) Apply(ctx context.Context, plan Plan) (Report, error) {
	if r.Stop == nil {
		r.Stop = func() error { return nil }
	}
	steps := newSteps(plan)
	err := r.write(ctx, steps)
	if !slices.ContainsFunc(steps, func(s *step) bool { return s.tried > 0 }) {
		return unverified(steps), err
	}
	listErr := r.Stop()
	if listErr == nil && err == nil && r.Pause != nil {
		listErr = r.Pause(ctx)
	}
	var after []tripletex.Subscription
	if listErr == nil {
		after, listErr = List(ctx, r.Service)
	}
	if listErr != nil && err == nil {
		err = &UnverifiedError{listErr}
	}
	if listErr != nil {
		return unverified(steps), err
	}
	report := r.verified(steps, after, plan)
	if failed := report.Count(Failed); err == nil && failed > 0 {
		err = fmt.Errorf("%w (%d of %d)", ErrNotListed, failed, len(report.Results))
	}
	if names := report.duplicates(); err == nil && len(names) > 0 {
		err = &match.DuplicatesError{Names: names}
	}
	return report, err
}

// step is the changes of one verb and their progress.
type step struct {
	changes  []Change
	most     int // maximum number of changes per request
	tried    int // changes that were sent
	answered int // changes in successful requests
	// made and updated are the subscriptions in responses, by identity and by ID.
	made    map[string]tripletex.Subscription
	updated map[int64]tripletex.Subscription
}

// maxDelete is the number of IDs in one request. They are part of the URL, which servers limit to 8 kB.
const maxDelete = 400

func newSteps(plan Plan) []*step {
	creates, updates, deletes := plan.Create, plan.Create+plan.Update, len(plan.Changes)
	return []*step{
		{changes: plan.Changes[:creates], most: creates, made: map[string]tripletex.Subscription{}},
		{changes: plan.Changes[creates:updates], most: plan.Update, updated: map[int64]tripletex.Subscription{}},
		{changes: plan.Changes[updates:deletes], most: maxDelete},
	}
}

func (r Run) write(ctx context.Context, steps []*step) error {
	for i, call := range []func(context.Context, *step, []Change) error{r.creates, r.updates, r.deletes} {
		if err := steps[i].send(r.Stop, func(batch []Change) error { return call(ctx, steps[i], batch) }); err != nil {
			return err
		}
	}
	return nil
}

// stopped is the error of a run that was ended by Stop.
type stopped struct{ cause error }

func (s stopped) Error() string { return "stopped before all changes were made" }
func (s stopped) Unwrap() error { return s.cause }

// send makes the changes in one request, or in halves while Tripletex refuses the size.
func (s *step) send(stop func() error, call func([]Change) error) error {
	for s.answered < len(s.changes) {
		if err := stop(); err != nil {
			return stopped{err}
		}
		batch := s.changes[s.answered:min(s.answered+s.most, len(s.changes))]
		err := call(batch)
		if err != nil && len(batch) > 1 && tooLarge(err) {
			s.most = (len(batch) + 1) / 2
			continue
		}
		s.tried = s.answered + len(batch)
		if err != nil {
			return err
		}
		s.answered = s.tried
	}
	return nil
}

// tooLarge reports whether a request was refused for its size: by its status, or by a 400 without a Tripletex code,
// which some servers return for a long URL.
func tooLarge(err error) bool {
	e, ok := errors.AsType[*tripletex.Error](err)
	return ok && (slices.Contains([]int{413, 414, 431}, e.Status) || e.Status == 400 && e.Code == 0)
}

func (r Run) creates(ctx context.Context, s *step, batch []Change) error {
	bodies := make([]tripletex.NewSubscription, len(batch))
	for i, c := range batch {
		bodies[i] = c.create
	}
	made, err := r.Service.CreateSubscriptions(ctx, bodies)
	for _, one := range made {
		s.made[match.Identity(one.Event, one.TargetURL)] = one
	}
	return err
}

func (r Run) updates(ctx context.Context, s *step, batch []Change) error {
	bodies := make([]tripletex.SubscriptionUpdate, len(batch))
	for i, c := range batch {
		bodies[i] = c.update
	}
	updated, err := r.Service.UpdateSubscriptions(ctx, bodies)
	for _, one := range updated {
		s.updated[one.ID] = one
	}
	return err
}

func (r Run) deletes(ctx context.Context, _ *step, batch []Change) error {
	ids := make([]int64, len(batch))
	for i, c := range batch {
		ids[i] = c.ID
	}
	return r.Service.DeleteSubscriptions(ctx, ids)
}
