package credentials

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// maxSecret is the maximum size of a secret in bytes.
const maxSecret = 8 << 10

// Environment reads secrets from environment variables.
type Environment struct {
	Lookup func(string) (string, bool)
	// Stderr is the standard error of commands.
	Stderr io.Writer
}

// Get returns the secret of the variable NAME, NAME_FILE or NAME_COMMAND, and the name of the variable. Both are empty if
// none is set; two are an error.
func (e Environment) Get(ctx context.Context, name string) (value secret.Text, source string, err error) {
	var given []string
	for _, suffix := range []string{"", "_FILE", "_COMMAND"} {
		if text, _ := e.Lookup(name + suffix); text != "" {
			given = append(given, name+suffix)
		}
	}
	switch len(given) {
	case 0:
		return "", "", nil
	case 1:
	default:
		return "", "", usageError("%s are mutually exclusive", strings.Join(given, " and "))
	}
	source = given[0]
	text, _ := e.Lookup(source)
	switch {
	case strings.HasSuffix(source, "_FILE"):
		value, err = fromVariable(ctx, text)
	case strings.HasSuffix(source, "_COMMAND"):
		value, err = FromCommand(ctx, text, e.Stderr)
	default:
		value, err = clean([]byte(text))
	}
	if err != nil {
		return "", source, fmt.Errorf("%s: %w", source, err)
	}
	return value, source, nil
}

func fromVariable(ctx context.Context, path string) (secret.Text, error) {
	if path == "-" {
		return "", usageError("- does not mean standard input here; name a file")
	}
	return FromFile(ctx, path)
}

// FromFile reads a secret from a regular file or a pipe, until ctx ends.
func FromFile(ctx context.Context, path string) (secret.Text, error) {
	return wait.Read(ctx, func() (secret.Text, error) { return fromFile(path, os.Stat, os.Open) })
}

func fromFile(path string, stat func(string) (os.FileInfo, error), open func(string) (*os.File, error)) (secret.Text, error) {
	info, err := stat(path)
	if err != nil {
		return "", usageError("%w", err)
	}
	if !info.Mode().IsRegular() && info.Mode()&fs.ModeNamedPipe == 0 {
		return "", usageError("%s is neither a regular file nor a pipe", path)
	}
	file, err := open(path)
	if err != nil {
		return "", usageError("%w", err)
	}
	defer func() { _ = file.Close() }()
	value, err := FromReader(file)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return value, nil
}

// FromFileBelow reads a secret from a regular file below a folder. Neither the path nor a symbolic link can leave it.
func FromFileBelow(ctx context.Context, folder, path string) (secret.Text, error) {
	return wait.Read(ctx, func() (secret.Text, error) { return fromFileBelow(folder, path) })
}

func fromFileBelow(folder, path string) (secret.Text, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return "", usageError("%w", err)
	}
	defer func() { _ = root.Close() }()
	stat := func(path string) (os.FileInfo, error) {
		info, err := root.Stat(path)
		if failed, ok := errors.AsType[*fs.PathError](err); ok {
			failed.Op = "stat" // instead of statat
		}
		return info, err
	}
	return fromFile(path, stat, root.Open)
}

// FromReader reads a secret from a stream.
func FromReader(r io.Reader) (secret.Text, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxSecret+1))
	if err != nil {
		return "", usageError("%w", err)
	}
	return clean(raw)
}

// clean removes a byte order mark and one line end, which editors and echo add. It returns an error for anything but one
// line of text.
func clean(raw []byte) (secret.Text, error) {
	if len(raw) > maxSecret {
		return "", usageError("is larger than %d bytes", maxSecret)
	}
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	raw = bytes.TrimSuffix(raw, []byte("\n"))
	raw = bytes.TrimSuffix(raw, []byte("\r"))
	if len(bytes.TrimSpace(raw)) == 0 {
		return "", usageError("is empty")
	}
	if err := secret.CheckText(raw); err != nil {
		return "", usageError("%w", err)
	}
	return secret.Text(raw), nil
}
