package terminal_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/terminal"
)

func TestWrap(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"":               nil,
		"one two three":  {"one two", "three"},
		"blå bær sæl":    {"blå bær", "sæl"},
		"a eleven-chars": {"a", "eleven-chars"},
		"1234 678":       {"1234 678"},
	} {
		if got := terminal.Wrap(strings.Fields(text), 8); !slices.Equal(got, want) {
			t.Errorf("Wrap(%q, 8) = %q, want %q", text, got, want)
		}
	}
}
