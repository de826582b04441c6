package match_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Two spellings of one event and target are duplicates; another path, port, scheme or event is none.
func TestDuplicates(t *testing.T) {
	t.Parallel()
	const first = "https://h.example.no/x"
	for _, c := range []struct {
		event, target string
		duplicate     bool
	}{
		{"order.create", first, true},
		{"Order.Create", first, true},
		{"order.create", "HTTPS://H.example.NO:443/x", true},
		{"order.create", "https://h.example.no./a/../x", true},
		{"order.create", "https://user:pw@h.example.no/%78?token=1", true},
		{"order.delete", first, false},
		{"order.create", "https://h.example.no/X", false},
		{"order.create", "https://h.example.no/x/", false},
		{"order.create", "https://h.example.no:8443/x", false},
		{"order.create", "http://h.example.no/x", false},
	} {
		all := []tripletex.Subscription{{ID: 8, Event: c.event, TargetURL: c.target}, {ID: 7, Event: "order.create", TargetURL: first}}
		want := map[int64]int64{}
		if c.duplicate {
			want[8] = 7
		}
		if diff := cmp.Diff(want, match.Duplicates(all)); diff != "" {
			t.Errorf("%s to %s: %s", c.event, c.target, diff)
		}
	}
}

// A created subscription is no duplicate of itself; another one with its event and target is, in each spelling.
func TestDuplicatesOfCreatedAreNamed(t *testing.T) {
	t.Parallel()
	created := []tripletex.Subscription{{ID: 9, Event: "order.create", TargetURL: "https://h.example.no/x"}}
	for name, c := range map[string]struct {
		event, target string
		named         int
	}{
		"the same":         {"order.create", "https://h.example.no/x", 1},
		"another spelling": {"ORDER.create", "https://H.example.no:443/a/../%78", 1},
		"with credentials": {"order.create", "https://u:p@h.example.no/x?k=v", 1},
		"another event":    {"order.update", "https://h.example.no/x", 0},
		"another target":   {"order.create", "https://h.example.no/y", 0},
	} {
		found := match.DuplicatesOf(created, append(created, tripletex.Subscription{ID: 8, Event: c.event, TargetURL: c.target}))
		if (found != nil) != (c.named > 0) {
			t.Errorf("%s: %v", name, found)
		}
		if found != nil && len(found.Names) != c.named {
			t.Errorf("%s: names = %q", name, found.Names)
		}
	}
}

func TestDuplicatesNameTheOldest(t *testing.T) {
	t.Parallel()
	all := make([]tripletex.Subscription, 4)
	for i, id := range []int64{30, 10, 40, 20} {
		all[i] = tripletex.Subscription{ID: id, Event: "order.create", TargetURL: "https://h.example.no/"}
	}
	if diff := cmp.Diff(map[int64]int64{20: 10, 30: 10, 40: 10}, match.Duplicates(all)); diff != "" {
		t.Error(diff)
	}
}
