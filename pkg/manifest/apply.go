package manifest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Service is what applying a plan needs of Tripletex.
type Service interface {
	// Subscriptions lists them all.
	Subscriptions(ctx context.Context, fields string) iter.Seq2[tripletex.Subscription, error]
	// CreateSubscriptions, UpdateSubscriptions and DeleteSubscriptions are one request each.
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

// Run is what a plan is executed with.
type Run struct {
	Service Service
	Want    *Want
	Policy  Policy
	// Stop is asked before every call; an error ends the run there. A call in flight is always finished. Nil never
	// stops.
	Stop func() error
	// Settle waits between the last call and the list that proves it; nil for no wait.
	Settle func(context.Context) error
}

// ErrNotProved means that every call was answered well, and the list does not show it.
var ErrNotProved = errors.New("everything was accepted, but the list does not show it")

// NoProofError is why nothing proves that everything was done, where every call was answered well.
type NoProofError struct{ Cause error }

// Error says it in one line.
func (e *NoProofError) Error() string {
	switch {
	case errors.Is(e.Cause, context.Canceled):
		return "everything was accepted, but it was interrupted before the list could prove it"
	case errors.Is(e.Cause, context.DeadlineExceeded):
		return "everything was accepted, but there was no time to prove it by the list"
	default:
		return "everything was accepted, but it cannot be proved: " + e.Cause.Error()
	}
}

// Unwrap returns the cause.
func (e *NoProofError) Unwrap() error { return e.Cause }

// Apply makes the changes of a plan: each verb in one call, or in more where Tripletex refuses the size; creates
// before updates before deletes, so that no event falls between. It stops at the first failure. Then it asks for
// the list again, and judges every change by it. There is a report beside an error too.
func (r Run) Apply(ctx context.Context, plan Plan) (Report, error) {
	if r.Stop == nil {
		r.Stop = func() error { return nil }
	}
	steps := newSteps(plan)
	err := r.write(ctx, steps)
	if !slices.ContainsFunc(steps, func(s *step) bool { return s.tried > 0 }) {
		return unproved(steps), err
	}
	lookErr := r.Stop()
	if lookErr == nil && err == nil && r.Settle != nil {
		lookErr = r.Settle(ctx)
	}
	var after []tripletex.Subscription
	if lookErr == nil {
		after, lookErr = List(ctx, r.Service)
	}
	if lookErr != nil && err == nil {
		err = &NoProofError{lookErr}
	}
	if lookErr != nil {
		return unproved(steps), err
	}
	report := r.judge(steps, after, plan)
	if failed := report.Count(Failed); err == nil && failed > 0 {
		err = fmt.Errorf("%w (%d of %d)", ErrNotProved, failed, len(report.Results))
	}
	return report, err
}

// step is the changes of one verb, and how far they have come.
type step struct {
	changes  []Change
	most     int // in one call
	tried    int // how many were sent
	answered int // how many of them were answered well
	// What the answers showed, of creates by identity and of updates by id.
	made    map[string]tripletex.Subscription
	updated map[int64]tripletex.Subscription
}

// maxDelete is how many one call deletes: their ids stand in the URL, which servers cut at 8 kB.
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

// stopped is the error of a run that was stopped between two calls.
type stopped struct{ cause error }

func (s stopped) Error() string { return "stopped before everything was done" }
func (s stopped) Unwrap() error { return s.cause }

// send makes the changes in one call, or in halves for as long as Tripletex refuses the size.
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

// tooLarge tells whether a request was refused for its size: by its status, or with a 400 that is not in
// Tripletex's own words, as some servers answer an address that is too long.
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
		s.made[identity(one.Event, one.TargetURL)] = one
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
