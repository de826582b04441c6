package terminal_test

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/creack/pty"

	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// answerHidden answers a hidden prompt on a pseudo terminal with a text.
func answerHidden(t *testing.T, text string) (string, error) {
	t.Helper()
	master, tty, err := pty.Open()
	if err != nil {
		t.Skipf("no pseudo terminal: %v", err)
	}
	defer func() { _ = master.Close() }()
	defer func() { _ = tty.Close() }()
	go pasteAtPrompt(master, text)
	term := terminal.New(tty, tty, tty, func(string) (string, bool) { return "", false })
	got, err := term.AskSecret(t.Context(), "token")
	return got.Reveal(), err
}

// pasteAtPrompt types a text and a line end after the question was printed, and reads what is printed later.
func pasteAtPrompt(master *os.File, text string) {
	shown, part := "", make([]byte, 1024)
	for !strings.Contains(shown, "token:") {
		n, err := master.Read(part)
		if err != nil {
			return
		}
		shown += string(part[:n])
	}
	go func() { _, _ = io.Copy(io.Discard, master) }()
	_, _ = io.WriteString(master, text+"\r")
}

func TestHiddenAnswersAreText(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no width": "a\u200bb", "direction": "a\u202eb", "byte order mark": "\ufeffab", "failed conversion": "bl\ufffdb", "C1": "a\u009bb",
		"Latin-1": "bl\xe5b\xe6r", "start of a character": "a\xc3", "surrogate": "\xed\xa0\x80a",
	} {
		got, err := answerHidden(t, text)
		if !strings.HasPrefix(fmt.Sprint(err), "token: the answer contains") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestLongHiddenAnswersAreRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"cut": strings.Repeat("a", 5000), "at the limit": strings.Repeat("a", 4096), "multi-byte": strings.Repeat("ø", 4097),
		"blanks": strings.Repeat("a", 4000) + strings.Repeat(" ", 100) + "b",
	} {
		if got, err := answerHidden(t, text); err == nil || !strings.Contains(err.Error(), "longer than 4095 characters") {
			t.Errorf("%s: %d characters, %v", name, len(got), err)
		}
	}
	for name, text := range map[string]string{"short": "abc", "longest": strings.Repeat("ø", 4095)} {
		got, err := answerHidden(t, text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got != text {
			t.Errorf("%s: %d bytes differ from the %d that were typed", name, len(got), len(text))
		}
	}
}
