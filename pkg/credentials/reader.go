package credentials

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// Reader reads secrets from files, standard input, the environment and prompts.
type Reader struct {
	Environment
	Stdin io.Reader
	// Keyring is the keyring of the run, for references to its entries.
	Keyring *Keyring
	// Ask prompts for a secret; nil without a terminal.
	Ask func(ctx context.Context, title string) (secret.Text, error)
	// Limit is how long reading a file or standard input may take; 0 for no limit.
	Limit time.Duration
	// Found is called with each secret.
	Found func(...secret.Text)
}

// File reads a secret from a file, or from standard input if the name is "-".
func (r Reader) File(ctx context.Context, name string) (value secret.Text, err error) {
	ctx, cancel := r.limited(ctx)
	defer cancel()
	if name == "-" {
		value, err = wait.Read(ctx, func() (secret.Text, error) { return FromReader(r.Stdin) })
	} else {
		value, err = FromFile(ctx, name)
	}
	r.Found(value)
	return value, err
}

func (r Reader) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if r.Limit == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, r.Limit)
}

// Variable reads a secret from the environment; it is empty if not set.
func (r Reader) Variable(ctx context.Context, name string) (secret.Text, error) {
	value, _, err := r.Get(ctx, name)
	r.Found(value)
	return value, err
}

// Prompt asks for a secret.
func (r Reader) Prompt(ctx context.Context, title string) (secret.Text, error) {
	value, err := r.Ask(ctx, title)
	r.Found(value)
	return value, err
}

// PromptNew asks for a new secret twice, until both answers are equal.
func (r Reader) PromptNew(ctx context.Context, title string) (secret.Text, error) {
	for {
		value, err := r.Prompt(ctx, title)
		if err != nil {
			return "", err
		}
		switch repeated, err := r.Prompt(ctx, title+", again"); {
		case err != nil:
			return "", err
		case repeated == value:
			return value, nil
		}
		_, _ = fmt.Fprintln(r.Stderr, "The answers differ.")
	}
}

// minKey is the minimum length of a key in a key file, in bytes.
const minKey = 40

// FindKeys passes the lines of a file that may be keys to Found. It does nothing for an empty name.
func (r Reader) FindKeys(ctx context.Context, name string) error {
	if name == "" {
		return nil
	}
	ctx, cancel := r.limited(ctx)
	defer cancel()
	raw, err := wait.ReadFile(ctx, name)
	for line := range strings.Lines(string(raw)) {
		if line = strings.TrimSpace(line); len(line) >= minKey && !strings.HasPrefix(line, "-") {
			r.Found(secret.Text(line))
		}
	}
	return err
}

// WriteNew writes a secret to a new private file. The error is [io/fs.ErrExist] if the file exists; the file is removed
// if it could not be written.
func WriteNew(path string, value secret.Text) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(value.Reveal() + "\n")
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		_ = os.Remove(path)
	}
	return err
}
