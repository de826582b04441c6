package receiver_test

import (
	"context"
	"errors"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
)

func TestForwardAllCountsWhatTheAppAccepts(t *testing.T) {
	t.Parallel()
	a := &app{answer: func(e journal.Entry) receiver.Answer {
		if e.ObjectID < 3 {
			return refuse(e)
		}
		return accept(e)
	}}
	attempts := 0
	accepted, err := receiver.ForwardAll(t.Context(), store(t, 10, 1), a, func() { attempts++ })
	if err != nil {
		t.Error(err)
	}
	if accepted != 7 {
		t.Errorf("%d accepted, want 7", accepted)
	}
	if attempts != 10 {
		t.Errorf("%d attempts, want 10", attempts)
	}
}

func TestForwardAllStopsWhereTheAppIsSilent(t *testing.T) {
	t.Parallel()
	silent := &app{answer: func(journal.Entry) receiver.Answer {
		return receiver.Answer{Status: -1, Err: errors.New("connection refused")}
	}}
	attempts := 0
	accepted, err := receiver.ForwardAll(t.Context(), store(t, 200, 1), silent, func() { attempts++ })
	if !errors.Is(err, receiver.ErrSilent) {
		t.Errorf("it ended with %v", err)
	}
	if accepted != 0 {
		t.Errorf("%d accepted", accepted)
	}
	if attempts < 24 {
		t.Errorf("attempts = %v, want at least 24", attempts)
	}
	if attempts > 40 {
		t.Errorf("attempts = %v, want at most 40", attempts)
	}
}

// An app without an answer does not keep a stopped run from ending.
func TestStoppedForwardAllEndsTheAttemptsInFlight(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	accepted, err := receiver.ForwardAll(ctx, store(t, 3, 1), silentApp{cancel}, func() {})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want %v", err, context.Canceled)
	}
	if accepted != 0 {
		t.Errorf("accepted = %d, want 0", accepted)
	}
}
