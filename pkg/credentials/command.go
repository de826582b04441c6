package credentials

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/secret"
)

// commandLimit is how long a command may take. It may ask its person for a fingerprint or a password.
const commandLimit = 60 * time.Second

// FromCommand runs a command, without a shell, and takes what it prints as the secret. Its standard error goes
// to stderr: that is where password managers ask and complain.
func FromCommand(ctx context.Context, line string, stderr io.Writer) (secret.Text, error) {
	words, err := split(line)
	if err != nil {
		return "", misuse("the command cannot be read: %w", err)
	}
	if len(words) == 0 {
		return "", misuse("the command is empty")
	}
	path, err := exec.LookPath(words[0])
	if err != nil {
		return "", misuse("command %s: not found", words[0])
	}
	ctx, cancel := context.WithTimeout(ctx, commandLimit)
	defer cancel()
	command := exec.CommandContext(ctx, path, words[1:]...)
	var stdout limited
	command.Stdout, command.Stderr = &stdout, stderr
	// A child of the command, such as an agent that it started, may keep the pipe open: that is no failure.
	command.WaitDelay = 500 * time.Millisecond
	err = command.Run()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil
	}
	switch {
	case ctx.Err() != nil:
		return "", misuse("command %s: timed out", words[0])
	case err != nil:
		return "", misuse("command %s: %w", words[0], err)
	}
	value, err := clean(stdout.Bytes())
	if err != nil {
		return "", fmt.Errorf("what command %s printed: %w", words[0], err)
	}
	return value, nil
}

// limited keeps one byte more than a secret may have, and drops the rest.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	room := maxSecret + 1 - l.Len()
	_, _ = l.Buffer.Write(p[:max(0, min(room, len(p)))]) // a buffer in memory does not fail
	return len(p), nil
}

var errUnfinished = errors.New("a quote is not closed")

// split cuts a command line into words as a shell would: blanks separate, single and double quotes and
// backslashes hold together. Nothing is expanded.
func split(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	started, quote := false, rune(0)
	escaped := false
	for _, r := range line {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			escaped, started = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, started = r, true
		case r == ' ' || r == '\t' || r == '\n':
			if started {
				words = append(words, word.String())
			}
			word.Reset()
			started = false
		default:
			word.WriteRune(r)
			started = true
		}
	}
	if quote != 0 || escaped {
		return nil, errUnfinished
	}
	if started {
		words = append(words, word.String())
	}
	return words, nil
}
