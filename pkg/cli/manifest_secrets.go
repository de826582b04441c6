package cli

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/secret"
)

// referenced finds the secrets that a manifest refers to. A manifest may come from a repository that somebody
// else wrote, so that it runs no command and reads no file elsewhere unless it is trusted, and never the tokens of
// a login.
type referenced struct {
	app     *App
	trust   bool
	keyring credentials.Keyring
}

const trustHint = "--trust-manifest allows it; look at the manifest first"

var (
	errUntrustedCommand = errors.New("a manifest may run commands only with --trust-manifest")
	errUntrustedFile    = errors.New("lies outside the folder of the manifest, which only --trust-manifest allows")
	errToken            = errors.New("belongs to the login, and is not for a manifest to read")
	errNoVariable       = errors.New("is not set, or empty")
	errNoEntry          = errors.New("the keyring has no entry of this name under the service tlxhook-secrets")
)

// find returns one secret.
func (r *referenced) find(ctx context.Context, from manifest.Reference) (value secret.Text, err error) {
	switch {
	case from.Env != "":
		value, err = r.variable(from.Env)
	case from.File != "":
		value, err = r.file(from.Folder, from.File)
	case from.Command != "" && !r.trust:
		err = errUntrustedCommand
	case from.Command != "":
		value, err = credentials.FromCommand(ctx, from.Command, r.app.terminal.Err)
	default:
		value, err = r.keyring.Named(from.Keyring)
		if errors.Is(err, credentials.ErrNotFound) {
			err = errNoEntry
		}
	}
	r.app.redactor.Add(value)
	return value, err
}

func (r *referenced) variable(name string) (secret.Text, error) {
	ours := strings.HasPrefix(strings.ToUpper(name), config.Prefix)
	if ours && !slices.Contains([]string{config.Prefix + "AUTH_HEADER_VALUE", config.Prefix + "HMAC_SECRET"}, name) {
		return "", errToken
	}
	text, _ := r.app.lookup(name)
	if text == "" {
		return "", errNoVariable
	}
	return credentials.FromReader(strings.NewReader(text))
}

func (r *referenced) file(folder, path string) (secret.Text, error) {
	switch {
	case !r.trust && (filepath.IsAbs(path) || !filepath.IsLocal(path)):
		return "", errUntrustedFile
	case !r.trust:
		return credentials.FromFileBelow(folder, path)
	case filepath.IsAbs(path):
		return credentials.FromFile(path)
	default:
		return credentials.FromFile(filepath.Join(folder, path))
	}
}
