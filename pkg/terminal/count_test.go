package terminal

import "testing"

func TestCountsTakeThePluralTheyNeed(t *testing.T) {
	for _, test := range []struct {
		n          int
		noun, want string
	}{
		{0, "delivery", "0 deliveries"},
		{1, "delivery", "1 delivery"},
		{2, "company", "2 companies"},
		{3, "duplicate", "3 duplicates"},
		{-1, "entry", "-1 entries"},
		{2, "day", "2 days"},
	} {
		if got := Count(test.n, test.noun); got != test.want {
			t.Errorf("Count(%d, %q) = %q, want %q", test.n, test.noun, got, test.want)
		}
	}
}
