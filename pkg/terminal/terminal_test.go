package terminal_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tlxhook/tlxhook/pkg/terminal"
)

func TestSafeTextHasNoControlCharacters(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"order.create":               "order.create",
		"blåbær 日本 👍":                "blåbær 日本 👍",
		"\x1b]52;c;AAAA\x07":         `\u{1b}]52;c;AAAA\u{7}`,
		"\x1b[2J":                    `\u{1b}[2J`,
		"a\tb\r\nc":                  `a\u{9}b\u{d}\u{a}c`,
		"\u009b31m":                  `\u{9b}31m`,
		"abc\u202edef\u2066\u2069":   `abc\u{202e}def\u{2066}\u{2069}`,
		"a\u2028b\u2029\u200f\u061c": `a\u{2028}b\u{2029}\u{200f}\u{61c}`,
		"\xff\xfe":                   `\u{ff}\u{fe}`,
		"\x7f\x00":                   `\u{7f}\u{0}`,
		"�":                          "�",
	} {
		if got := terminal.Safe(text); got != want {
			t.Errorf("Safe(%q) = %q, want %q", text, got, want)
		}
	}
	if got := terminal.SafeLines("a\n\tb\x1b\r"); got != "a\n\tb\\u{1b}\\u{d}" {
		t.Errorf("SafeLines = %q", got)
	}
}

func FuzzSafeIsOneHarmlessLine(f *testing.F) {
	f.Add("\x1b[2J\u202e\xff")
	f.Fuzz(func(t *testing.T, text string) {
		safe := terminal.Safe(text)
		if !utf8.ValidString(safe) {
			t.Errorf("Safe(%q) = %q", text, safe)
		}
		if strings.ContainsFunc(safe, terminal.Unsafe) {
			t.Errorf("Safe(%q) = %q", text, safe)
		}
		if terminal.Safe(safe) != safe {
			t.Errorf("%q is not stable", safe)
		}
	})
}

func newTerminal(set map[string]string) *terminal.Terminal {
	return terminal.New(strings.NewReader("y\n"), &bytes.Buffer{}, &bytes.Buffer{}, func(name string) (string, bool) {
		value, ok := set[name]
		return value, ok
	})
}

func TestColorFollowsTheConventions(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		set  map[string]string
		mode string
		want bool
	}{
		"pipe":           {nil, "auto", false},
		"forced":         {map[string]string{"CLICOLOR_FORCE": "1"}, "", true},
		"not forced":     {map[string]string{"CLICOLOR_FORCE": "0"}, "", false},
		"NO_COLOR wins":  {map[string]string{"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, "auto", false},
		"empty NO_COLOR": {map[string]string{"CLICOLOR_FORCE": "1", "NO_COLOR": ""}, "auto", true},
		"always wins":    {map[string]string{"NO_COLOR": "1"}, "always", true},
		"never wins":     {map[string]string{"CLICOLOR_FORCE": "1"}, "never", false},
	} {
		term := newTerminal(test.set)
		switch err := term.SetColor(test.mode); {
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case term.Color != test.want:
			t.Errorf("%s: term.Color = %v, want %v", name, term.Color, test.want)
		}
	}
	if newTerminal(nil).SetColor("blue") == nil {
		t.Error("blue was accepted")
	}
}

// A pipe is never asked, whatever stands in it.
func TestPromptRequiresATerminal(t *testing.T) {
	t.Parallel()
	term := newTerminal(nil)
	_, err1 := term.Confirm(t.Context(), "sure?")
	_, err2 := term.AskSecret(t.Context(), "token")
	_, err3 := term.Select(t.Context(), "which?", []terminal.Choice{{Value: "a", Label: "A"}})
	for _, err := range []error{err1, err2, err3} {
		if !errors.Is(err, terminal.ErrNoPrompt) {
			t.Errorf("%v", err)
		}
	}
	if term.IsScreen() {
		t.Errorf("%+v", term)
	}
	if term.IsInteractive() {
		t.Errorf("%+v", term)
	}
	if term.Width != 0 {
		t.Errorf("term.Width = %v, want 0", term.Width)
	}
}
