package wait_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlxhook/tlxhook/pkg/wait"
)

func TestForWaitsForTheDuration(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		if err := wait.For(t.Context(), time.Minute); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != time.Minute {
			t.Errorf("it took %s", took)
		}
	})
}

func TestForEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := wait.For(ctx, time.Minute); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want the error of the context", err)
		}
	})
}

func TestUntilDoesNotWaitForThePast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		if err := wait.Until(t.Context(), start.Add(-time.Hour)); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("it took %s", took)
		}
	})
}

func TestJitterIsFromZeroToItsBound(t *testing.T) {
	t.Parallel()
	for _, bound := range []time.Duration{0, 1, time.Second} {
		for range 1000 {
			switch got := wait.Jitter(bound); {
			case got < 0:
				t.Fatalf("got = %v, want at least 0", got)
			case got > bound:
				t.Fatalf("got = %v, want at most %v", got, bound)
			}
		}
	}
}

func TestFinishingEndsAfterACancellation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, test := range []struct {
			deadline, want time.Duration
			cause          error
		}{
			{0, wait.FinishTime, wait.ErrUnfinished},
			{time.Hour, wait.FinishTime, wait.ErrUnfinished},
			{time.Second, time.Second, context.DeadlineExceeded},
		} {
			parent, interrupt := context.WithCancel(t.Context())
			if test.deadline > 0 {
				var end context.CancelFunc
				parent, end = context.WithTimeout(parent, test.deadline)
				defer end()
			}
			finish, cancel := wait.Finishing(parent)
			defer cancel()
			start := time.Now()
			interrupt()
			<-finish.Done()
			if took := time.Since(start); took != test.want {
				t.Errorf("deadline %s: it ended after %s, want %s", test.deadline, took, test.want)
			}
			if cause := context.Cause(finish); !errors.Is(cause, test.cause) {
				t.Errorf("deadline %s: %v, want %v", test.deadline, cause, test.cause)
			}
		}
	})
}

func TestFinishingGoesOnWithoutACancellation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		finish, cancel := wait.Finishing(t.Context())
		defer cancel()
		if err := wait.For(finish, time.Hour); err != nil {
			t.Error(err)
		}
	})
}
