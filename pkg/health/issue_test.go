package health

import (
	"slices"
	"testing"
)

func TestListsSayHowManyItemsAreOmitted(t *testing.T) {
	t.Parallel()
	items := []string{"alpha", "beta", "gamma"}
	for limit, want := range map[int]string{
		100: "alpha, beta, gamma",
		23:  "alpha, beta, gamma",
		22:  "alpha, and 2 more",
		17:  "alpha, and 2 more",
		16:  "",
		0:   "",
	} {
		if got := listed(items, limit); got != want {
			t.Errorf("in %d bytes: %q, want %q", limit, got, want)
		}
	}
	if got, want := listed([]string{"a", "b", "a long item"}, 16), "a, b, and 1 more"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	// The number of the omitted items has as many digits as it needs.
	for limit, want := range map[int]string{16: "a, a, and 8 more", 13: "a, and 9 more", 12: ""} {
		if got := listed(slices.Repeat([]string{"a"}, 10), limit); got != want {
			t.Errorf("ten in %d bytes: %q, want %q", limit, got, want)
		}
	}
}

func TestCutTextIsMarked(t *testing.T) {
	t.Parallel()
	for limit, want := range map[int]string{9: "blåbær", 8: "blåbær", 7: "blå...", 6: "bl...", 2: "..."} {
		if got := cut("blåbær", limit); got != want {
			t.Errorf("in %d bytes: %q, want %q", limit, got, want)
		}
	}
	if got := cut("\x80\x80\x80\x80\x80", 4); got != "..." {
		t.Errorf("a text that is not UTF-8: %q", got)
	}
}
