package health_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// seen reads "1=ACTIVE 2=DISABLED".
func seen(text string) []health.Finding {
	var all []tripletex.Subscription
	for pair := range strings.FieldsSeq(text) {
		id, status, _ := strings.Cut(pair, "=")
		all = append(all, tripletex.Subscription{
			ID:    int64(id[0] - '0'),
			Event: "e" + id, Status: tripletex.Status(status), TargetURL: "https://h" + id,
		})
	}
	return health.Rules{}.Findings(all, 7)
}

func told(all []health.Transition) string {
	var texts []string
	for _, t := range all {
		texts = append(texts, fmt.Sprintf("%s %d %s>%s", t.Kind, t.ID, t.OldStatus, t.NewStatus))
	}
	return strings.Join(texts, ", ")
}

func TestTrackerReportsChanges(t *testing.T) {
	t.Parallel()
	type look struct{ found, want string } // a minute apart
	for name, test := range map[string]struct {
		lasting time.Duration
		known   map[int64]health.Seen
		looks   []look
	}{
		"all well": {looks: []look{{"1=ACTIVE 2=ACTIVE", ""}, {"1=ACTIVE 2=ACTIVE", ""}}},
		"what is bad at first is told once": {looks: []look{
			{"1=DISABLED 2=ACTIVE", "baseline 1 >DISABLED"}, {"1=DISABLED 2=ACTIVE", ""},
		}},
		"each kind": {looks: []look{
			{"1=ACTIVE 2=ACTIVE", ""},
			{"2=DISABLED_MISUSE 3=ACTIVE", "disappeared 1 ACTIVE>, changed 2 ACTIVE>DISABLED_MISUSE, appeared 3 >ACTIVE"},
			{"2=DISABLED_MISUSE 3=ACTIVE", ""},
			{"1=ACTIVE 2=ACTIVE 3=ACTIVE", "appeared 1 >ACTIVE, changed 2 DISABLED_MISUSE>ACTIVE"},
		}},
		"everything is gone": {looks: []look{{"1=ACTIVE", ""}, {"", "disappeared 1 ACTIVE>"}, {"", ""}}},
		"flapping is not told": {
			lasting: 2 * time.Minute,
			looks:   []look{{"1=ACTIVE", ""}, {"1=DISABLED", ""}, {"1=ACTIVE", ""}, {"1=DISABLED", ""}, {"1=ACTIVE", ""}},
		},
		"what lasts is told": {
			lasting: 2 * time.Minute,
			looks: []look{
				{"1=ACTIVE", ""},
				{"1=DISABLED", ""},
				{"1=DISABLED", ""},
				{"1=DISABLED", "changed 1 ACTIVE>DISABLED"},
				{"1=DISABLED", ""},
			},
		},
		"another begins anew": {
			lasting: 2 * time.Minute,
			looks: []look{
				{"1=ACTIVE", ""},
				{"1=DISABLED", ""},
				{"1=DISABLED_MISUSE", ""},
				{"1=DISABLED_MISUSE", ""},
				{"1=DISABLED_MISUSE", "changed 1 ACTIVE>DISABLED_MISUSE"},
			},
		},
		"a short visit":          {lasting: 2 * time.Minute, looks: []look{{"", ""}, {"1=ACTIVE", ""}, {"", ""}, {"", ""}, {"", ""}}},
		"the first look at once": {lasting: time.Hour, looks: []look{{"1=DISABLED", "baseline 1 >DISABLED"}}},
		"after a restart what happened meanwhile is told, and what is bad still": {
			known: map[int64]health.Seen{1: {Status: "ACTIVE"}, 2: {Status: "DISABLED"}, 3: {Status: "ACTIVE", Event: "e3"}},
			looks: []look{{
				"1=DISABLED 2=DISABLED 4=ACTIVE",
				"changed 1 ACTIVE>DISABLED, baseline 2 >DISABLED, disappeared 3 ACTIVE>, appeared 4 >ACTIVE",
			}, {"1=DISABLED 2=DISABLED 4=ACTIVE", ""}},
		},
	} {
		tracker := health.Tracker{For: test.lasting, Known: test.known, CompanyID: 7}
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		for i, look := range test.looks {
			if diff := cmp.Diff(look.want, told(tracker.Observe(at, seen(look.found)))); diff != "" {
				t.Errorf("%s, look %d: %s", name, i+1, diff)
			}
			at = at.Add(time.Minute)
		}
	}
}

func TestTransitionMarksDeletedSubscriptions(t *testing.T) {
	t.Parallel()
	tracker := health.Tracker{CompanyID: 7}
	at := time.Date(2026, 1, 1, 1, 0, 0, 0, time.FixedZone("CET", 3600))
	tracker.Observe(at, seen("3=ACTIVE"))
	want := []health.Transition{{
		Time: at.UTC(), Kind: health.Disappeared, ID: 3, Event: "e3", OldStatus: "ACTIVE", State: health.Critical, TargetHost: "h3", CompanyID: 7,
	}}
	got := tracker.Observe(at, nil)
	switch {
	case len(got) != 1:
		t.Errorf("len(got) = %v, want 1", len(got))
	case got[0] != want[0]:
		t.Errorf("got[0] = %v, want %v", got[0], want[0])
	}
	if len(tracker.Known) != 0 {
		t.Errorf("%v is remembered for ever", tracker.Known)
	}
}
