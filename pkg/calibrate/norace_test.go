//go:build !race

// The race detector slows this test down by up to ten times; other tests call the same code with it. .ci/run runs it
// without.

package calibrate_test

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/calibrate"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
)

// invisible are the switches that no client can see within the time of a run.
func invisible() []string { return []string{"disabling"} }

// Each value of each switch is found as exactly that difference, and the default sandbox has none.
func TestEveryFlippedSwitchIsFound(t *testing.T) {
	t.Parallel()
	cases := []sandbox.Switches{{}}
	for _, s := range sandbox.AllSwitches() {
		for _, value := range s.Values[1:] {
			cases = append(cases, sandbox.Switches{s.Name: value})
		}
	}
	for _, flipped := range cases {
		name := "default"
		want := sandbox.Switches{}
		for s, value := range flipped {
			name = s + "=" + value
			if !slices.Contains(invisible(), s) {
				want[s] = value
			}
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, flipped)
				report, err := calibrate.Run(t.Context(), w.options)
				if err != nil {
					t.Fatal(err)
				}
				differ, unseen := differences(report)
				if diff := cmp.Diff(want, differ); diff != "" {
					t.Errorf("differences (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(invisible(), unseen); diff != "" {
					t.Errorf("not observed (-want +got):\n%s", diff)
				}
				if t.Failed() {
					for _, f := range report.Findings {
						t.Logf("%s: %s %q %s %v", f.Switch, f.Verdict, f.Observed, f.Reason, f.Evidence)
					}
				}
				if n := w.left(t); n != 0 {
					t.Errorf("%d subscriptions and objects remain", n)
				}
				if report.Requests > calibrate.MaxRequests {
					t.Errorf("%d requests, at most %d", report.Requests, calibrate.MaxRequests)
				}
			})
		})
	}
}
