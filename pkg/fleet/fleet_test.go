package fleet_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlxhook/tlxhook/pkg/fleet"
)

func accounts(n int) []fleet.Account {
	all := make([]fleet.Account, n)
	for i := range all {
		all[i].CompanyID = int64(i + 1)
	}
	return all
}

func TestRunKeepsTheOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got []int64
		run := fleet.Run(t.Context(), accounts(100), fleet.Options{Parallel: 7}, func(_ context.Context, m fleet.Account) (int64, error) {
			time.Sleep(time.Duration(m.CompanyID%5) * time.Second) // who begins first does not end first
			return m.CompanyID * 10, nil
		})
		for r := range run {
			switch {
			case r.Value != r.CompanyID*10:
				t.Errorf("r.Value = %v, want %v", r.Value, r.CompanyID*10)
			case r.Err != nil:
				t.Errorf("r.Err = %v, want nil", r.Err)
			}
			got = append(got, r.CompanyID)
		}
		switch {
		case len(got) != 100:
			t.Errorf("len(got) = %v, want 100", len(got))
		case !slices.IsSorted(got):
			t.Errorf("the order is %v", got)
		}
	})
}

func TestRunLimitsParallelism(t *testing.T) {
	t.Parallel()
	for _, o := range []struct{ asked, want int }{{3, 3}, {0, fleet.DefaultParallel}, {500, 40}} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			running, most, began := 0, 0, time.Now()
			for range fleet.Run(t.Context(), accounts(40), fleet.Options{Parallel: o.asked}, func(context.Context, fleet.Account) (int, error) {
				mu.Lock()
				running++
				most = max(most, running)
				mu.Unlock()
				time.Sleep(time.Second)
				mu.Lock()
				running--
				mu.Unlock()
				return 0, nil
			}) {
				continue
			}
			if most != o.want {
				t.Errorf("with Parallel %d there ran %d at once, want %d", o.asked, most, o.want)
			}
			rounds := (40 + o.want - 1) / o.want
			if took := time.Since(began); took != time.Duration(rounds)*time.Second {
				t.Errorf("with Parallel %d it took %v, want %d s", o.asked, took, rounds)
			}
		})
	}
}

func TestFailureDoesNotStopOthers(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	failed := 0
	for r := range fleet.Run(t.Context(), accounts(30), fleet.Options{}, func(_ context.Context, m fleet.Account) (bool, error) {
		if m.CompanyID%3 == 0 {
			return false, broken
		}
		return true, nil
	}) {
		switch wrong := r.CompanyID%3 == 0; {
		case wrong != errors.Is(r.Err, broken):
			t.Errorf("company %d: %v, %v", r.CompanyID, r.Value, r.Err)
		case wrong == r.Value:
			t.Errorf("wrong = %v", wrong)
		}
		if r.Err != nil {
			failed++
		}
	}
	if failed != 10 {
		t.Errorf("%d failed, want 10", failed)
	}
}

func TestTimeoutAppliesPerAccount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var late []int64
		ask := func(ctx context.Context, m fleet.Account) (int, error) {
			if m.CompanyID == 1 {
				<-ctx.Done()
			}
			return 0, ctx.Err()
		}
		for r := range fleet.Run(t.Context(), accounts(8), fleet.Options{Parallel: 2, Timeout: 10 * time.Second}, ask) {
			if errors.Is(r.Err, context.DeadlineExceeded) {
				late = append(late, r.CompanyID)
			} else if r.Err != nil {
				t.Errorf("company %d: %v", r.CompanyID, r.Err)
			}
		}
		switch took := time.Since(began); {
		case !slices.Equal(late, []int64{1}):
			t.Errorf("late = %v, want %v", late, []int64{1})
		case took != 10*time.Second:
			t.Errorf("took = %v, want %v", took, 10*time.Second)
		}
	})
}

func TestNoAccountStartsAfterTheContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		stopped := errors.New("stopped by a person")
		time.AfterFunc(1500*time.Millisecond, func() { cancel(stopped) })
		var done, cut, notBegun int
		for r := range fleet.Run(ctx, accounts(10), fleet.Options{Parallel: 2}, func(ctx context.Context, _ fleet.Account) (int, error) {
			select {
			case <-time.After(time.Second):
				return 0, nil
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		}) {
			switch {
			case errors.Is(r.Err, fleet.ErrNotStarted):
				notBegun++
				if !errors.Is(r.Err, stopped) {
					t.Errorf("company %d does not tell why: %v", r.CompanyID, r.Err)
				}
			case r.Err != nil:
				cut++
			default:
				done++
			}
		}
		if done != 2 {
			t.Errorf("done = %v, want 2", done)
		}
		if cut != 2 {
			t.Errorf("cut = %v, want 2", cut)
		}
		if notBegun != 6 {
			t.Errorf("notBegun = %v, want 6", notBegun)
		}
	})
}

func TestEarlyReturnWaitsForWorkInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ended := 0
		var mu sync.Mutex
		for range fleet.Run(t.Context(), accounts(50), fleet.Options{Parallel: 4}, func(ctx context.Context, m fleet.Account) (int, error) {
			if m.CompanyID > 1 {
				<-ctx.Done()
			}
			mu.Lock()
			defer mu.Unlock()
			ended++
			return 0, nil
		}) {
			break
		}
		// The bubble of the test fails if a goroutine is left; what had begun has ended.
		if ended < 1 {
			t.Errorf("ended = %v, want at least 1", ended)
		}
		if ended > 5 {
			t.Errorf("ended = %v, want at most 5", ended)
		}
	})
}

func TestProgressCountsUp(t *testing.T) {
	t.Parallel()
	var told []int
	counted := fleet.Options{Finished: func(done int) { told = append(told, done) }}
	for range fleet.Run(t.Context(), accounts(20), counted, func(context.Context, fleet.Account) (int, error) { return 0, nil }) {
		continue
	}
	switch {
	case len(told) != 20:
		t.Errorf("len(told) = %v, want 20", len(told))
	case !slices.IsSorted(told):
		t.Errorf("told %v", told)
	case told[0] != 1:
		t.Errorf("told[0] = %v, want 1", told[0])
	case told[19] != 20:
		t.Errorf("told[19] = %v, want 20", told[19])
	}
}

func TestRunWithoutAccounts(t *testing.T) {
	t.Parallel()
	for r := range fleet.Run(t.Context(), nil, fleet.Options{}, func(context.Context, fleet.Account) (int, error) { return 0, nil }) {
		t.Errorf("there is a result: %v", r)
	}
}

func TestLabel(t *testing.T) {
	t.Parallel()
	for want, m := range map[string]fleet.Company{
		"Kystfisk AS": {Profile: "office", CompanyID: 7, CompanyName: "Kystfisk AS"},
		"7":           {Profile: "office", CompanyID: 7},
		"office":      {Profile: "office"},
	} {
		if got := m.Name(); got != want {
			t.Errorf("%+v is called %q, want %q", m, got, want)
		}
	}
}
