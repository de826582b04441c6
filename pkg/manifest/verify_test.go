package manifest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// A successful response without the change in the list is a failure.
func TestChangeMissingFromTheListIsUnconfirmed(t *testing.T) {
	t.Parallel()
	w := mixedWorld(t)
	policy := w.policy(t, mustParse(t, mixed()), prune())
	plan, err := w.plan(t, mustParse(t, mixed()), prune())
	if err != nil {
		t.Fatal(err)
	}
	run := manifest.Run{Service: w.Client, Want: mustParse(t, mixed()), Policy: policy, Pause: func(ctx context.Context) error {
		return w.store.Update(ctx, func(s *sandbox.State) error { // Tripletex forgets it all
			*s = *sandbox.NewState(sandbox.DefaultOptions())
			return nil
		})
	}}
	report, err := run.Apply(t.Context(), plan)
	const none = "create order.create failed\ncreate order.update failed\nupdate product.create failed\nupdate product.update " +
		"failed\ndelete customer.create done\ndelete customer.update done\n"
	if !errors.Is(err, manifest.ErrNotListed) {
		t.Errorf("err = %v, want %v", err, manifest.ErrNotListed)
	}
	if outcomes(report) != none {
		t.Errorf("%v\n%s", err, outcomes(report))
	}
}

// Another machine may create the same between the plan and the list that verifies it.
func TestDuplicatesInTheListAreAConflict(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		events []string // that another machine creates meanwhile
		dedupe bool
		want   int
	}{
		"none":                       {},
		"one":                        {events: []string{"order.create"}, want: 1},
		"each":                       {events: []string{"order.create", "order.update"}, want: 2},
		"three of one":               {events: []string{"order.create", "order.create"}, want: 2},
		"of one that was there":      {events: []string{"product.create"}, want: 1},
		"of one not in the list":     {events: []string{"invoice.charged"}},
		"also where --dedupe is set": {events: []string{"order.create"}, dedupe: true, want: 1},
	} {
		w, want := mixedWorld(t), mustParse(t, mixed())
		policy := w.policy(t, want, prune())
		policy.Dedupe = c.dedupe
		plan, err := w.plan(t, want, prune())
		if err != nil {
			t.Fatal(err)
		}
		run := manifest.Run{Service: w.Client, Want: want, Policy: policy, Pause: func(ctx context.Context) error {
			for _, event := range c.events {
				other := tripletex.NewSubscription{Event: event, TargetURL: plan.Changes[0].TargetURL}
				if _, err := w.CreateSubscriptions(ctx, []tripletex.NewSubscription{other}); err != nil {
					return err
				}
			}
			return nil
		}}
		report, err := run.Apply(t.Context(), plan)
		if outcomes(report) != allDone {
			t.Errorf("%s: outcomes: %s", name, outcomes(report))
		}
		named := 0
		if e, ok := errors.AsType[*match.DuplicatesError](err); ok {
			named = len(e.Names)
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if named != c.want {
			t.Errorf("%s: named = %d, want %d: %v", name, named, c.want, err)
		}
	}
}

func TestPauseBeforeVerificationCanBeInterrupted(t *testing.T) {
	t.Parallel()
	w, want := mixedWorld(t), mustParse(t, mixed())
	plan, err := w.plan(t, want, prune())
	if err != nil {
		t.Fatal(err)
	}
	run := manifest.Run{
		Service: w.Client, Want: want, Policy: w.policy(t, want, prune()),
		Pause: func(context.Context) error { return errStop },
	}
	report, err := run.Apply(t.Context(), plan)
	if !errors.Is(err, errStop) {
		t.Errorf("err = %v, want %v", err, errStop)
	}
	if outcomes(report) != allDone {
		t.Errorf("%v\n%s", err, outcomes(report))
	}
}

func TestFailedVerificationHasAReadableMessage(t *testing.T) {
	t.Parallel()
	for cause, want := range map[error]string{
		context.Canceled:         "all requests succeeded, but the verification was interrupted",
		context.DeadlineExceeded: "all requests succeeded, but no time was left to verify the result",
		errStop:                  "all requests succeeded, but the result could not be verified: " + errStop.Error(),
	} {
		if got := (&manifest.UnverifiedError{Cause: cause}).Error(); got != want {
			t.Errorf("%v: %s", cause, got)
		}
	}
}

// A signal after the last request leaves the result unverified.
func TestStopAfterTheLastRequestIsReported(t *testing.T) {
	t.Parallel()
	w, want := mixedWorld(t), mustParse(t, mixed())
	plan, err := w.plan(t, want, prune())
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	stop := func() error {
		if asked++; asked > 3 {
			return errStop
		}
		return nil
	}
	report, err := manifest.Run{Service: w.Client, Want: want, Policy: w.policy(t, want, prune()), Stop: stop}.Apply(t.Context(), plan)
	switch _, unverified := errors.AsType[*manifest.UnverifiedError](err); {
	case !unverified:
		t.Error("unverified = false, want true")
	case outcomes(report) != allDone:
		t.Errorf("%v\n%s", err, outcomes(report))
	}
}
