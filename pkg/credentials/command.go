package credentials

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"

	"github.com/tlxhook/tlxhook/pkg/childprocess"
	"github.com/tlxhook/tlxhook/pkg/secret"
)

// commandTimeout bounds a command, which may prompt for a fingerprint or a password.
const commandTimeout = 60 * time.Second

// FromCommand runs a command without a shell and returns its output as the secret. Its standard error, where password
// managers print prompts and errors, goes to stderr. The timeout is 60 seconds.
func FromCommand(ctx context.Context, line string, stderr io.Writer) (secret.Text, error) {
	words, err := childprocess.Words(line)
	if err != nil {
		return "", usageError("parse command: %w", err)
	}
	if len(words) == 0 || words[0] == "" {
		return "", usageError("the command is empty")
	}
	path, err := exec.LookPath(words[0])
	if err != nil {
		return "", usageError("command %s: not found", words[0])
	}
	bounded, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	command := exec.CommandContext(bounded, path, words[1:]...)
	var stdout limited
	command.Stdout, command.Stderr = &stdout, stderr
	// A child process, such as an agent, may keep the pipe open; this is not a failure.
	command.WaitDelay = 500 * time.Millisecond
	err = command.Run()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil
	}
	switch {
	case ctx.Err() != nil: // the end of the run is no fault of the command
		return "", fmt.Errorf("command %s: %w", words[0], ctx.Err())
	case bounded.Err() != nil:
		return "", usageError("command %s: timed out after %s", words[0], commandTimeout)
	case err != nil:
		return "", usageError("command %s: %w", words[0], err)
	}
	value, err := clean(stdout.kept.Bytes())
	if err != nil {
		return "", fmt.Errorf("output of command %s: %w", words[0], err)
	}
	return value, nil
}

// limited keeps up to one byte more than the maximum size of a secret, and drops the rest. The buffer is not embedded:
// io.Copy would call its ReadFrom, which has no limit.
type limited struct{ kept bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	room := maxSecret + 1 - l.kept.Len()
	_, _ = l.kept.Write(p[:max(0, min(room, len(p)))]) // never fails
	return len(p), nil
}
