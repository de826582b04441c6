package listen_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/listen"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// leave stores what a killed run leaves: a note in the journal, and subscriptions with the target of the run.
func (w *world) leave(note string, targets ...string) {
	w.t.Helper()
	j, err := journal.Open(w.journal, journal.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := errors.Join(j.Note(context.Background(), "subscribed", note), j.Close()); err != nil {
		w.t.Fatal(err)
	}
	wanted := make([]tripletex.NewSubscription, len(targets))
	for i, target := range targets {
		wanted[i] = tripletex.NewSubscription{Event: "order.create", TargetURL: target}
	}
	if _, err := w.client(w.sandbox).CreateSubscriptions(context.Background(), wanted); err != nil {
		w.t.Fatal(err)
	}
}

// targets returns the targets of all subscriptions.
func (w *world) targets() (all []string) {
	w.t.Helper()
	for s, err := range w.client(w.sandbox).Subscriptions(context.Background(), "") {
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, s.TargetURL)
	}
	return all
}

const (
	killedTarget = "http://localhost/?tlxhook=killed"
	otherTarget  = "http://localhost/?tlxhook=other"
)

func noteOf(company int) string {
	return fmt.Sprintf(`{"baseUrl":"http://localhost:4711/v2","companyId":%d,"targetUrl":%q}`, company, killedTarget)
}

// What a killed run left is deleted by the next one, and nothing else.
func TestLeftoversAreDeleted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	w, address := newWorld(t, &steps{Context: ctx}), ""
	w.front = newFront(t)
	w.leave(noteOf(0), killedTarget, otherTarget)
	if err := w.run(ctx, w.options(&address, cancel)); err != nil {
		t.Error(err)
	}
	if left := w.targets(); !slices.Equal(left, []string{otherTarget}) {
		t.Errorf("left: %q", left)
	}
}

// The targets of updates whose result was not known are deleted too.
func TestLeftoversOfUnconfirmedUpdatesAreDeleted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	w, address := newWorld(t, &steps{Context: ctx}), ""
	w.front = newFront(t)
	const middle, next = killedTarget + "&at=2", killedTarget + "&at=3"
	note := strings.TrimSuffix(noteOf(0), "}") + fmt.Sprintf(`,"nextUrls":[%q,%q]}`, middle, next)
	w.leave(note, killedTarget, middle, next, otherTarget)
	if err := w.run(ctx, w.options(&address, cancel)); err != nil {
		t.Error(err)
	}
	if left := w.targets(); !slices.Equal(left, []string{otherTarget}) {
		t.Errorf("left: %q", left)
	}
}

// Those of another company are not deleted, and not forgotten.
func TestLeftoversOfAnotherCompanyAreAFailure(t *testing.T) {
	t.Parallel()
	w, address := newWorld(t, &steps{Context: t.Context()}), ""
	w.front = newFront(t)
	w.leave(noteOf(2001), killedTarget)
	for range 2 {
		if err := w.run(t.Context(), w.options(&address, func() {})); !errors.Is(err, listen.ErrLeftBehind) {
			t.Error(err)
		}
	}
	if left := w.targets(); !slices.Equal(left, []string{killedTarget}) {
		t.Errorf("left: %q", left)
	}
}

func TestDamagedNoteIsAFailure(t *testing.T) {
	t.Parallel()
	w, address := newWorld(t, &steps{Context: t.Context()}), ""
	w.leave("{")
	if err := w.run(t.Context(), w.options(&address, func() {})); !errors.Is(err, listen.ErrNote) {
		t.Error(err)
	}
}

func TestInvalidSubscriptionIsAFailure(t *testing.T) {
	t.Parallel()
	w, address := newWorld(t, &steps{Context: t.Context()}), ""
	w.front = newFront(t)
	o := w.options(&address, func() {})
	o.Subscribe.Login = func(context.Context) (*tripletex.Client, []string, error) {
		return w.client(w.sandbox), []string{"nonsense"}, nil
	}
	if err := w.run(t.Context(), o); !errors.Is(err, listen.ErrSubscription) {
		t.Error(err)
	}
	w.clean()
}
