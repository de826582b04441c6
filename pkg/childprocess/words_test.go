package childprocess_test

import (
	"slices"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/childprocess"
)

func TestWordsAreSplitLikeAShellDoes(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][]string{
		"":                        nil,
		" \t\n":                   nil,
		"ssh -R 80:localhost:{p}": {"ssh", "-R", "80:localhost:{p}"},
		`a "b c" 'd "e'`:          {"a", "b c", `d "e`},
		`a ""`:                    {"a", ""},
		`a\ b c\\`:                {"a b", `c\`},
		`'a\b'"\""`:               {`a\b"`},
	} {
		got, err := childprocess.Words(line)
		if err != nil {
			t.Errorf("Words(%q): %v", line, err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("Words(%q) = %q, want %q", line, got, want)
		}
	}
	for _, line := range []string{`"a`, `'a`, `a\`, `a "b' c`} {
		if got, err := childprocess.Words(line); err == nil {
			t.Errorf("Words(%q) = %q, want an error", line, got)
		}
	}
}
