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

// seen parses "1=ACTIVE 2=DISABLED".
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

func reported(all []health.Transition) string {
	var texts []string
	for _, t := range all {
		texts = append(texts, fmt.Sprintf("%s %d %s>%s", t.Kind, t.ID, t.OldStatus, t.NewStatus))
	}
	return strings.Join(texts, ", ")
}

func TestTrackerReportsChanges(t *testing.T) {
	t.Parallel()
	type poll struct{ found, want string } // a minute apart
	for name, test := range map[string]struct {
		lasting time.Duration
		known   map[int64]health.Seen
		polls   []poll
	}{
		"all healthy": {polls: []poll{{"1=ACTIVE 2=ACTIVE", ""}, {"1=ACTIVE 2=ACTIVE", ""}}},
		"unhealthy in the first poll is reported once": {polls: []poll{
			{"1=DISABLED 2=ACTIVE", "baseline 1 >DISABLED"}, {"1=DISABLED 2=ACTIVE", ""},
		}},
		"each kind": {polls: []poll{
			{"1=ACTIVE 2=ACTIVE", ""},
			{"2=DISABLED_MISUSE 3=ACTIVE", "disappeared 1 ACTIVE>, changed 2 ACTIVE>DISABLED_MISUSE, appeared 3 >ACTIVE"},
			{"2=DISABLED_MISUSE 3=ACTIVE", ""},
			{"1=ACTIVE 2=ACTIVE 3=ACTIVE", "appeared 1 >ACTIVE, changed 2 DISABLED_MISUSE>ACTIVE"},
		}},
		"all deleted": {polls: []poll{{"1=ACTIVE", ""}, {"", "disappeared 1 ACTIVE>"}, {"", ""}}},
		"flapping is not reported": {
			lasting: 2 * time.Minute,
			polls:   []poll{{"1=ACTIVE", ""}, {"1=DISABLED", ""}, {"1=ACTIVE", ""}, {"1=DISABLED", ""}, {"1=ACTIVE", ""}},
		},
		"a lasting change is reported": {
			lasting: 2 * time.Minute,
			polls: []poll{
				{"1=ACTIVE", ""},
				{"1=DISABLED", ""},
				{"1=DISABLED", ""},
				{"1=DISABLED", "changed 1 ACTIVE>DISABLED"},
				{"1=DISABLED", ""},
			},
		},
		"another status restarts the duration": {
			lasting: 2 * time.Minute,
			polls: []poll{
				{"1=ACTIVE", ""},
				{"1=DISABLED", ""},
				{"1=DISABLED_MISUSE", ""},
				{"1=DISABLED_MISUSE", ""},
				{"1=DISABLED_MISUSE", "changed 1 ACTIVE>DISABLED_MISUSE"},
			},
		},
		"short-lived subscription":       {lasting: 2 * time.Minute, polls: []poll{{"", ""}, {"1=ACTIVE", ""}, {"", ""}, {"", ""}, {"", ""}}},
		"the first poll reports at once": {lasting: time.Hour, polls: []poll{{"1=DISABLED", "baseline 1 >DISABLED"}}},
		"a restart reports changes and unhealthy subscriptions": {
			known: map[int64]health.Seen{1: {Status: "ACTIVE"}, 2: {Status: "DISABLED"}, 3: {Status: "ACTIVE", Event: "e3"}},
			polls: []poll{{
				"1=DISABLED 2=DISABLED 4=ACTIVE",
				"changed 1 ACTIVE>DISABLED, baseline 2 >DISABLED, disappeared 3 ACTIVE>, appeared 4 >ACTIVE",
			}, {"1=DISABLED 2=DISABLED 4=ACTIVE", ""}},
		},
	} {
		tracker := health.Tracker{For: test.lasting, Known: test.known, CompanyID: 7}
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		for i, poll := range test.polls {
			if diff := cmp.Diff(poll.want, reported(tracker.Observe(at, seen(poll.found)))); diff != "" {
				t.Errorf("%s, poll %d: %s", name, i+1, diff)
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
		t.Errorf("%v is not dropped", tracker.Known)
	}
}
