package calibrate_test

import (
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlxhook/tlxhook/pkg/calibrate"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
)

// Changes that take longer than the service may combine show nothing.
func TestSlowChangesAreNotRapid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sandbox.Switches{})
		w.state(t, func(s *sandbox.State) {
			s.ChangeFaults(false, sandbox.Fault{Kind: "slow", Delay: 300 * time.Millisecond, Method: http.MethodPut, Path: "/customer/*"})
		})
		report, err := calibrate.Run(t.Context(), w.options)
		if err != nil {
			t.Fatal(err)
		}
		differ, unseen := differences(report)
		if len(differ) > 0 {
			t.Errorf("differences: %v, want none", differ)
		}
		if !slices.Contains(unseen, "rapid-changes") {
			t.Errorf("not observed: %q, want rapid-changes among them", unseen)
		}
	})
}
