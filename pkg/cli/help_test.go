package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"
	"github.com/spf13/cobra"
)

func TestHelpFitsTheScreen(t *testing.T) {
	t.Parallel()
	for columns, want := range map[int]int{0: 80, 20: 60, 60: 60, 100: 100, 300: 120} {
		app := newApp(Streams{}, nil, Build{})
		app.terminal.Width = columns
		walkTree(newRoot(app), func(cmd *cobra.Command) {
			var help bytes.Buffer
			cmd.SetOut(&help)
			if err := cmd.Help(); err != nil {
				t.Fatal(err)
			}
			text, rest, _ := strings.Cut(help.String(), "\nUsage:")
			_, footer, _ := strings.Cut(rest, "\nGlobal flags:")
			for line := range strings.Lines(text + footer) {
				if n := runewidth.StringWidth(strings.TrimRight(line, "\n")); n > want && !strings.HasPrefix(line, " ") {
					t.Errorf("%s at %d columns: %q has %d", cmd.CommandPath(), columns, line, n)
				}
			}
		})
	}
}

func TestReflowKeepsIndentedLinesAndLists(t *testing.T) {
	t.Parallel()
	const text = "One two\nthree.\n\n  code line\n  another\n\n- a list\n- of two"
	const want = "One two three.\n\n  code line\n  another\n\n- a list\n- of two"
	if got := reflow(text, 60); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for text, want := range map[string]string{
		"one two three":                       "one two\nthree",
		"  1  a b c d\n     e\n  code of ten": "  1  a\n     b\n     c\n     d\n     e\n  code of ten",
		"  1  a b\n\n  2  c":                  "  1  a\n     b\n\n  2  c",
		"  1  a\n  2  b\nc d e f":             "  1  a\n  2  b\nc d e f",
		"a b\n  code  of two words":           "a b\n  code  of\n        two\n        words",
	} {
		if got := reflow(text, 7); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
