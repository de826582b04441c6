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

// SecretFinder resolves the references of a manifest. A manifest may come from an untrusted repository: without Trust no
// command runs and no file outside its folder is read. The tokens of a login are never read.
type SecretFinder struct {
	Trust   bool
	Lookup  config.Lookup
	Keyring *credentials.Keyring
	Stderr  io.Writer            // of commands
	Found   func(...secret.Text) // called with each value before the next reference is looked up
}

// Errors of [SecretFinder.Find].
var (
	ErrUntrustedCommand = errors.New("commands require --trust-manifest")
	ErrUntrustedFile    = errors.New("outside the folder of the manifest; requires --trust-manifest")
	ErrCredential       = errors.New("looks like a CI or cloud credential; requires --trust-manifest")
	ErrLoginToken       = errors.New("reserved for the login; a manifest cannot use it")
	ErrNoVariable       = errors.New("not set or empty")
	ErrNoKeyringEntry   = errors.New("no keyring entry with this name for the service tlxhook-secrets")
)

// Find returns one secret.
func (f *SecretFinder) Find(ctx context.Context, from Reference) (value secret.Text, err error) {
	switch {
	case from.Env != "":
		value, err = f.variable(from.Env)
	case from.File != "":
		value, err = f.file(ctx, from.Folder, from.File)
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
	if !ours && !f.Trust && isCredential(name) {
		return "", ErrCredential
	}
	text, _ := f.Lookup(name)
	if text == "" {
		return "", ErrNoVariable
	}
	return credentials.FromReader(strings.NewReader(text))
}

// isCredential reports whether a CI system, a cloud or a package registry stores a credential in a variable. An untrusted
// manifest could send it to its own target. Case is ignored, as on Windows.
func isCredential(name string) bool {
	name = strings.ToUpper(name)
	for _, prefix := range []string{
		"ACTIONS_", "ANTHROPIC_", "APPVEYOR_", "ARM_", "AWS_", "AZURE_", "BITBUCKET_", "BUILDKITE_", "BW_", "CI_", "CIRCLE_", "CIRRUS_",
		"CLOUDFLARE_", "CLOUDSDK_", "CODEBUILD_", "DATABASE_", "DATADOG_", "DB_", "DD_", "DIGITALOCEAN_", "DOCKER_", "DOPPLER_", "DRONE_",
		"FIREBASE_", "FLY_", "GCP_", "GEM_", "GITEA_", "GITHUB_", "GITLAB_", "GOOGLE_", "GRAFANA_", "HCLOUD_", "HEROKU_", "HF_",
		"HOMEBREW_", "JENKINS_", "KUBE_", "LINODE_", "MAVEN_", "MONGO", "MYSQL_", "NETLIFY_", "NPM_", "NUGET_", "OCI_", "OP_", "OPENAI_",
		"ORG_GRADLE_", "OS_", "PG", "POSTGRES_", "PULUMI_", "RAILWAY_", "REDIS_", "RENDER_", "RUNNER_", "SCW_", "SEMAPHORE_", "SENTRY_",
		"SLACK_", "SONATYPE_", "STRIPE_", "SYSTEM_", "TEAMCITY_", "TF_", "TRAVIS_", "TWINE_", "VAULT_", "VERCEL_", "WOODPECKER_",
	} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return slices.Contains([]string{
		"GH_TOKEN", "GH_ENTERPRISE_TOKEN", "GL_TOKEN", "NODE_AUTH_TOKEN", "PYPI_TOKEN", "CARGO_REGISTRY_TOKEN",
		"ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "SSH_AUTH_SOCK", "KUBECONFIG", "CODECOV_TOKEN", "SNYK_TOKEN", "SONAR_TOKEN",
		"RENOVATE_TOKEN", "SENTRY_AUTH_TOKEN", "TRIPLETEX_CONSUMER_TOKEN", "TRIPLETEX_EMPLOYEE_TOKEN", "TRIPLETEX_SESSION_TOKEN",
	}, name)
}

func (f *SecretFinder) file(ctx context.Context, folder, path string) (secret.Text, error) {
	switch {
	case !f.Trust && (filepath.IsAbs(path) || !filepath.IsLocal(path)):
		return "", ErrUntrustedFile
	case !f.Trust:
		return credentials.FromFileBelow(ctx, folder, path)
	case filepath.IsAbs(path):
		return credentials.FromFile(ctx, path)
	default:
		return credentials.FromFile(ctx, filepath.Join(folder, path))
	}
}
