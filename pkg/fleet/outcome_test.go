package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func TestOutcomeOfEachError(t *testing.T) {
	t.Parallel()
	var count fleet.Count
	for _, test := range []struct {
		name string
		err  error
		want fleet.Outcome
	}{
		{"before its start", fmt.Errorf("%w: %w", fleet.ErrNotStarted, context.Canceled), fleet.Unchanged},
		{"before its start, after the deadline", fmt.Errorf("%w: %w", fleet.ErrNotStarted, context.DeadlineExceeded), fleet.Unchanged},
		{"canceled read", &tripletex.Error{Kind: tripletex.Canceled, Err: context.Canceled}, fleet.Unchanged},
		{"between two writes", fmt.Errorf("stopped after 400 of 1000: %w", context.Canceled), fleet.Unconfirmed},
		{"lost response", &tripletex.Error{Kind: tripletex.Unknown}, fleet.Unconfirmed},
		{"a refusal", &tripletex.Error{Kind: tripletex.Forbidden, Status: 403}, fleet.Failed},
		{"no response in time", &tripletex.Error{Kind: tripletex.Timeout}, fleet.Failed},
		{"anything else", errors.New("odd"), fleet.Failed},
	} {
		got := fleet.OutcomeOf(test.err)
		if got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
		count[got]++
	}
	switch got := count.String(); {
	case count.Sum() != 8:
		t.Errorf("count.Sum() = %v, want 8", count.Sum())
	case got != "; 3 failed, 2 unconfirmed, 3 unchanged":
		t.Errorf("got = %q, want %q", got, "; 3 failed, 2 unconfirmed, 3 unchanged")
	}
	if got := (fleet.Count{fleet.Unchanged: 2}).String(); got != "; 2 unchanged" {
		t.Errorf("%q", got)
	}
	if got := (fleet.Count{}).String(); got != "" {
		t.Errorf("nothing is %q", got)
	}
}
