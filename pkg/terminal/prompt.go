package terminal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

var (
	// ErrNoPrompt means that a prompt was needed without a terminal.
	ErrNoPrompt = errors.New("cannot prompt in non-interactive mode")
	// ErrAborted means that a prompt was ended with Ctrl-C or Ctrl-D.
	ErrAborted = errors.New("interrupted")
)

// maxLine is the maximum length of an answer in bytes.
const maxLine = 8 << 10

// maxHidden is the length in characters at which x/term cuts a hidden answer.
const maxHidden = 4096

const errTooLong = secret.TextError("is longer than 4095 characters; pass it in a file")

// Choice is one answer of Select.
type Choice struct{ Value, Label string }

// Confirm asks a yes-or-no question; an empty answer is no.
func (t *Terminal) Confirm(ctx context.Context, question string) (bool, error) {
	for {
		answer, err := t.askLine(ctx, question+" [y/N] ")
		if err != nil {
			return false, err
		}
		switch strings.ToLower(answer) {
		case "y", "yes":
			return true, nil
		case "", "n", "no":
			return false, nil
		}
		_, _ = fmt.Fprintln(t.Err, "Enter y or n.")
	}
}

// Select prompts for one of several choices; an empty answer is the first. The answer is not echoed, as it may be a token
// that was pasted too early.
func (t *Terminal) Select(ctx context.Context, title string, choices []Choice) (string, error) {
	var menu strings.Builder
	fmt.Fprintf(&menu, "%s:\n", title)
	for i, c := range choices {
		fmt.Fprintf(&menu, "  %d  %s\n", i+1, c.Label)
	}
	if t.IsInteractive() {
		_, _ = io.WriteString(t.Err, menu.String())
	}
	for {
		answer, err := t.askHidden(ctx, "Which one? [1] ")
		if err != nil {
			return "", err
		}
		if n, err := strconv.Atoi(cmp.Or(strings.TrimSpace(answer), "1")); err == nil && n >= 1 && n <= len(choices) {
			_, _ = fmt.Fprintf(t.Err, "%s: %s\n", title, choices[n-1].Label)
			return choices[n-1].Value, nil
		}
		_, _ = fmt.Fprintf(t.Err, "Enter %s.\n", numbers(len(choices)))
	}
}

// numbers returns the numbers up to n as text, such as "1, 2 or 3".
func numbers(n int) string {
	var all []string
	for i := range n - 1 {
		all = append(all, strconv.Itoa(i+1))
	}
	if len(all) == 0 {
		return strconv.Itoa(n)
	}
	return strings.Join(all, ", ") + " or " + strconv.Itoa(n)
}

// AskSecret prompts for a secret without echo, until the answer is not empty.
func (t *Terminal) AskSecret(ctx context.Context, title string) (secret.Text, error) {
	for {
		answer, err := t.askHidden(ctx, title+": ")
		if err == nil && strings.TrimSpace(answer) == "" {
			_, _ = fmt.Fprintln(t.Err, "The answer is empty. Paste or type the value, or press Ctrl-C to cancel.")
			continue
		}
		if err == nil {
			err = secret.CheckText([]byte(answer))
		}
		if as, ok := errors.AsType[secret.TextError](err); ok {
			return "", fmt.Errorf("%s: the answer %w", title, as)
		}
		return secret.Text(answer), err
	}
}

func (t *Terminal) askHidden(ctx context.Context, question string) (string, error) {
	return t.ask(ctx, "", func(in *os.File) (string, error) { return t.readHidden(in, question) })
}

// readHidden disables the echo before it prints the question, so that early input is hidden too.
func (t *Terminal) readHidden(in *os.File, question string) (string, error) {
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return "", err
	}
	defer func() { _ = term.Restore(int(in.Fd()), before) }()
	typed := &characters{from: in}
	line := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{typed, t.Err}, "")
	answer, err := line.ReadPassword(question)
	if err == nil && typed.invalid {
		return "", errNotUTF8
	}
	if utf8.RuneCountInString(answer) >= maxHidden {
		return "", errTooLong
	}
	return answer, err
}

const errNotUTF8 = secret.TextError("contains bytes that are not valid UTF-8; text in Latin-1 or another encoding must be converted")

// characters reads whole characters of UTF-8 and drops other bytes: x/term waits forever behind one, also for Ctrl-C.
type characters struct {
	from    io.Reader
	rest    []byte // the start of a character
	invalid bool   // bytes were dropped
}

// Read implements io.Reader for at least four bytes.
func (c *characters) Read(p []byte) (int, error) {
	for {
		n, err := c.from.Read(p[copy(p, c.rest):])
		in, out := p[:len(c.rest)+n], p[:0]
		for c.rest = nil; len(in) > 0; {
			r, size := utf8.DecodeRune(in)
			if !utf8.FullRune(in) {
				c.rest = slices.Clone(in)
				break
			}
			if r == utf8.RuneError {
				c.invalid = true
			} else {
				out = append(out, in[:size]...)
			}
			in = in[size:]
		}
		if len(out) > 0 || err != nil {
			return len(out), err
		}
	}
}

func (t *Terminal) askLine(ctx context.Context, question string) (string, error) {
	answer, err := t.ask(ctx, question, readLine)
	return strings.TrimSpace(answer), err
}

// ask prints a question to standard error and waits for the answer. If the context ends, it restores the terminal; the
// read itself cannot be stopped.
func (t *Terminal) ask(ctx context.Context, question string, read func(*os.File) (string, error)) (string, error) {
	in, ok := t.In.(*os.File)
	if !ok || !t.IsInteractive() {
		return "", ErrNoPrompt
	}
	before, err := term.GetState(int(in.Fd()))
	if err != nil {
		return "", ErrNoPrompt
	}
	if _, err := io.WriteString(t.Err, question); err != nil {
		return "", err
	}
	text, err := wait.Read(ctx, func() (string, error) { return read(in) })
	ended := err != nil && errors.Is(err, ctx.Err())
	if ended {
		_ = term.Restore(int(in.Fd()), before)
	}
	if ended || errors.Is(err, io.EOF) {
		_, _ = fmt.Fprintln(t.Err) // ends the line of the question
		return "", ErrAborted
	}
	return text, err
}

// readLine reads exactly one line; the next question reads the rest.
func readLine(in *os.File) (string, error) {
	var line []byte
	one := make([]byte, 1)
	for len(line) < maxLine {
		n, err := in.Read(one)
		if n == 1 && one[0] == '\n' {
			return string(line), nil
		}
		line = append(line, one[:n]...)
		if err != nil {
			return string(line), err
		}
	}
	return "", errors.New("the answer is too long")
}
