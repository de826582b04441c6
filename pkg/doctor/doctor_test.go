package doctor_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlxhook/tlxhook/pkg/doctor"
)

func TestChecksAfterAFailedOneAreSkipped(t *testing.T) {
	t.Parallel()
	asked := map[string]bool{}
	look := func(name string, f doctor.Finding) func(context.Context) doctor.Finding {
		return func(context.Context) doctor.Finding {
			asked[name] = true
			return f
		}
	}
	checks := []doctor.Check{
		{Name: "a", Run: look("a", doctor.Finding{State: doctor.Warning})},
		{Name: "b", Needs: []string{"a"}, Run: look("b", doctor.Finding{State: doctor.Failed})},
		{Name: "c", Needs: []string{"a", "b"}, Run: look("c", doctor.Finding{State: doctor.OK})},
		{Name: "d", Needs: []string{"c"}, Run: look("d", doctor.Finding{State: doctor.OK})},
		{Name: "e", Needs: []string{"a"}, Run: look("e", doctor.Finding{State: doctor.OK})},
	}
	want := map[string]doctor.State{"a": doctor.Warning, "b": doctor.Failed, "c": doctor.Skipped, "d": doctor.Skipped, "e": doctor.OK}
	for f := range doctor.Examine(t.Context(), checks) {
		if f.State != want[f.Check] {
			t.Errorf("%s is %q, want %q", f.Check, f.State, want[f.Check])
		}
		if asked[f.Check] != (f.State != doctor.Skipped) {
			t.Errorf("%s was asked: %v", f.Check, asked[f.Check])
		}
	}
}

func TestHangingCheckTimesOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		hangs := doctor.Check{Name: "hangs", Run: func(ctx context.Context) doctor.Finding {
			<-ctx.Done()
			return doctor.Finding{State: doctor.Failed}
		}}
		for range doctor.Examine(t.Context(), []doctor.Check{hangs, hangs}) {
			continue
		}
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("two checks took %v, want 15 s each", took)
		}
	})
}

func TestLongFindingsAreWrappedBelowTheirText(t *testing.T) {
	t.Parallel()
	f := doctor.Finding{Check: "disk", State: doctor.Warning, Text: "3 GiB of 252 GiB free in /home/kari/state", Repair: "free disk space"}
	for width, want := range map[int]string{
		0: "warning  disk           3 GiB of 252 GiB free in /home/kari/state\n                        to do: free disk space\n",
		45: "warning  disk           3 GiB of 252 GiB free\n                        in /home/kari/state\n" +
			"                        to do: free disk\n                        space\n",
		20: "warning  disk           3 GiB of 252 GiB free in /home/kari/state\n                        to do: free disk space\n",
	} {
		if got := f.Lines(width, false); got != want {
			t.Errorf("Lines(%d) =\n%swant\n%s", width, got, want)
		}
	}
}

func TestOnlyChecksAfterTheEndOfTheRunAreOutOfTime(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	pass := func(context.Context) doctor.Finding { return doctor.Finding{State: doctor.OK} }
	checks := []doctor.Check{
		{Name: "skipped itself", Run: func(context.Context) doctor.Finding {
			return doctor.Finding{State: doctor.Skipped, Text: "time limit reached"}
		}},
		{Name: "last", Run: func(context.Context) doctor.Finding {
			cancel()
			return doctor.Finding{State: doctor.OK}
		}},
		{Name: "needs another", Needs: []string{"skipped itself"}, Run: pass},
		{Name: "late", Run: pass},
	}
	for f := range doctor.Examine(ctx, checks) {
		if want := f.Check == "late"; f.OutOfTime != want {
			t.Errorf("out of time of %q = %v, want %v", f.Check, f.OutOfTime, want)
		}
	}
}
