package doctor

import (
	"strings"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

func TestDiskState(t *testing.T) {
	t.Parallel()
	const mb, gb = int64(1e6), int64(1e9)
	for name, c := range map[string]struct {
		disks []disk
		want  State
		text  string
	}{
		"enough":                 {[]disk{{"/a", 50 * gb, 100 * gb}}, OK, "47 GiB of 93 GiB free in /a"},
		"a tenth of a large one": {[]disk{{"/a", 10 * gb, 100 * gb}}, OK, ""},
		"less than a tenth":      {[]disk{{"/a", 10*gb - 1, 100 * gb}}, Warning, ""},
		"10 GB of a huge one":    {[]disk{{"/a", 10 * gb, 1000 * gb}}, OK, ""},
		"less than 1 GB":         {[]disk{{"/a", gb - 1, gb}}, Warning, ""},
		"1 GB":                   {[]disk{{"/a", gb, gb}}, OK, ""},
		"100 MB":                 {[]disk{{"/a", 100 * mb, gb}}, Warning, ""},
		"less than 100 MB":       {[]disk{{"/a", 100*mb - 1, gb}}, Failed, ""},
		"the worst of several": {
			[]disk{{"/a", 50 * gb, 60 * gb}, {"/b", 0, gb}, {"/c", gb / 2, gb}},
			Failed, "0 bytes of 954 MiB free in /b",
		},
	} {
		got := checkSpace(c.disks)
		if got.State != c.want {
			t.Errorf("%s: got.State = %v, want %v", name, got.State, c.want)
		}
		if !strings.Contains(got.Text, c.text) {
			t.Errorf("%s: got.Text = %q, want it to contain %q", name, got.Text, c.text)
		}
		if (got.Repair == "") != (c.want == OK) {
			t.Errorf("%s: %+v, want %s with %q", name, got, c.want, c.text)
		}
	}
}

func TestJournalState(t *testing.T) {
	t.Parallel()
	now := time.Date(2025, 11, 20, 12, 0, 0, 0, time.Local)
	for name, c := range map[string]struct {
		o      journal.Overview
		want   State
		text   string
		repair string
	}{
		"empty": {journal.Overview{Whole: true}, OK, "/j: 0 deliveries in 0 bytes; no receiver is running", ""},
		"receiving": {
			journal.Overview{Whole: true, Receiving: true, Receiver: "process 7"},
			OK, "listen receives into it, process 7", "",
		},
		"one waits a moment": {
			journal.Overview{Whole: true, Stats: journal.Stats{Events: 1, Waiting: 1, Oldest: now.Add(-time.Hour)}},
			OK, "1 delivery in", "",
		},
		"nobody forwards": {
			journal.Overview{Whole: true, Stats: journal.Stats{Waiting: 2, Oldest: now.Add(-2 * time.Hour)}},
			Warning, "2 pending deliveries, the oldest since 2025-11-20 10:00", "tlxhook listen --journal 'j' --forward-to URL",
		},
		"the app is down": {
			journal.Overview{Whole: true, Receiving: true, Stats: journal.Stats{Waiting: 1, Oldest: now.Add(-2 * time.Hour)}},
			Warning, "1 pending delivery, the oldest since ",
			"check that the app runs; list the deliveries with tlxhook delivery list --journal 'j' --state pending",
		},
		"given up": {
			journal.Overview{Whole: true, Stats: journal.Stats{Dead: 3}},
			Warning,
			"3 dead deliveries", "tlxhook delivery replay --journal 'j' --state dead --to URL",
		},
		"large": {
			journal.Overview{Stats: journal.Stats{Bytes: 6 << 30}},
			Warning,
			"in 6.0 GiB; no receiver is running; too large for a full check", "tlxhook delivery purge --journal 'j' --older-than 30d",
		},
		"much at once": {
			journal.Overview{Whole: true, Stats: journal.Stats{Dead: 1, Waiting: 1, Oldest: now.Add(-25 * time.Hour)}},
			Warning, "1 dead delivery", "--forward-to URL; send dead deliveries again with tlxhook delivery replay",
		},
		"not quite too large": {journal.Overview{Stats: journal.Stats{Bytes: 5 << 30}}, OK, "5.0 GiB", ""},
	} {
		got := describeJournal("/j", c.o, now, " --journal 'j'")
		if got.State != c.want {
			t.Errorf("%s: got.State = %v, want %v", name, got.State, c.want)
		}
		if !strings.Contains(got.Text, c.text) {
			t.Errorf("%s: got.Text = %q, want it to contain %q", name, got.Text, c.text)
		}
		if !strings.Contains(got.Repair, c.repair) {
			t.Errorf("%s: got.Repair = %q, want it to contain %q", name, got.Repair, c.repair)
		}
		if (got.Repair == "") != (c.want == OK) {
			t.Errorf("%s: %+v, want %s with %q and %q", name, got, c.want, c.text, c.repair)
		}
	}
}
