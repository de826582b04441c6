package match_test

import (
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/match"
)

func TestTime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2026-11-20":                time.Date(2026, 11, 20, 0, 0, 0, 0, time.Local),
		"2026-11-20T10:00":          time.Date(2026, 11, 20, 10, 0, 0, 0, time.Local),
		"2026-11-20T10:00:01Z":      time.Date(2026, 11, 20, 10, 0, 1, 0, time.UTC),
		"2026-11-20T10:00:00+01:00": time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC),
		"90m":                       now.Add(-90 * time.Minute),
		"1.5d":                      now.Add(-36 * time.Hour),
		"0d":                        now,
	} {
		switch got, err := match.Time(text, now); {
		case err != nil:
			t.Errorf("%s: %v", text, err)
		case !got.Equal(want):
			t.Errorf("%s: got = %v, want %v", text, got, want)
		}
	}
	for _, bad := range []string{"", "d", "-1d", "-1h", "1e300d", "NaNd", "Infd", "2026-13-01", "5", "tomorrow"} {
		if got, err := match.Time(bad, now); err == nil {
			t.Errorf("%q was taken for %v", bad, got)
		}
	}
}
