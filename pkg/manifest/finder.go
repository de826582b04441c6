package manifest

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/secret"
)

// SecretFinder finds the secrets that a manifest refers to. A manifest may come from a foreign repository, so it
// runs no command and reads no file outside its folder unless it is trusted, and never reads the tokens of a login.
type SecretFinder struct {
	Trust   bool
	Lookup  config.Lookup
	Keyring *credentials.Keyring
	Stderr  io.Writer            // of commands
	Found   func(...secret.Text) // called with each value before the next reference is looked up
}

// Errors of [SecretFinder.Find].
var (
	ErrUntrustedCommand = errors.New("a manifest may run commands only with --trust-manifest")
	ErrUntrustedFile    = errors.New("lies outside the folder of the manifest, which only --trust-manifest allows")
	ErrLoginToken       = errors.New("belongs to the login, and is not for a manifest to read")
	ErrNoVariable       = errors.New("is not set, or empty")
	ErrNoKeyringEntry   = errors.New("the keyring has no entry of this name under the service tlxhook-secrets")
)

// Find returns one secret.
func (f *SecretFinder) Find(ctx context.Context, from Reference) (value secret.Text, err error) {
	switch {
	case from.Env != "":
		value, err = f.variable(from.Env)
	case from.File != "":
		value, err = f.file(from.Folder, from.File)
	case from.Command != "" && !f.Trust:
		err = ErrUntrustedCommand
	case from.Command != "":
		value, err = credentials.FromCommand(ctx, from.Command, f.Stderr)
	default:
		value, err = f.Keyring.Named(from.Keyring)
		if errors.Is(err, credentials.ErrNotFound) {
			err = ErrNoKeyringEntry
		}
	}
	f.Found(value)
	return value, err
}

func (f *SecretFinder) variable(name string) (secret.Text, error) {
	ours := strings.HasPrefix(strings.ToUpper(name), config.Prefix)
	if ours && !slices.Contains([]string{config.Prefix + "AUTH_HEADER_VALUE", config.Prefix + "HMAC_SECRET"}, name) {
		return "", ErrLoginToken
	}
	text, _ := f.Lookup(name)
	if text == "" {
		return "", ErrNoVariable
	}
	return credentials.FromReader(strings.NewReader(text))
}

func (f *SecretFinder) file(folder, path string) (secret.Text, error) {
	switch {
	case !f.Trust && (filepath.IsAbs(path) || !filepath.IsLocal(path)):
		return "", ErrUntrustedFile
	case !f.Trust:
		return credentials.FromFileBelow(folder, path)
	case filepath.IsAbs(path):
		return credentials.FromFile(path)
	default:
		return credentials.FromFile(filepath.Join(folder, path))
	}
}
