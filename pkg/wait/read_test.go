package wait_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlxhook/tlxhook/pkg/wait"
)

func TestReadEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		release := make(chan struct{})
		start := time.Now()
		_, err := wait.Read(ctx, func() (int, error) {
			<-release
			return 1, nil
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("err = %v, want %v", err, context.DeadlineExceeded)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("took = %s, want 1s", took)
		}
		close(release)
	})
}

func TestReadReturnsWhatWasRead(t *testing.T) {
	t.Parallel()
	failed := errors.New("failed")
	got, err := wait.Read(t.Context(), func() (int, error) { return 7, failed })
	if got != 7 {
		t.Errorf("got = %d, want 7", got)
	}
	if !errors.Is(err, failed) {
		t.Errorf("err = %v, want %v", err, failed)
	}
}
