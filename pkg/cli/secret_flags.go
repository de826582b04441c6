package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/stream"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// secretFlags name the sources of the secrets of a subscription. No flag takes a secret value, since the arguments of
// a process are visible to all users of the machine.
type secretFlags struct {
	authHeader    string
	authValueFile string
	hmacFile      string
	generate      string
}

const secretHelp = `
No flag takes a secret value. --auth-value-file and --hmac-secret-file name a
file, or "-" for standard input. The variables TLXHOOK_AUTH_HEADER_VALUE and
TLXHOOK_HMAC_SECRET hold the values; append _FILE or _COMMAND to the variable
name to read a file or the output of a command.`

func (f *secretFlags) bind(cmd *cobra.Command) {
	f.bindGiven(cmd)
	cmd.Flags().StringVar(&f.generate, "generate-hmac-secret", "", "generate a signing secret and write it to a new `FILE`")
}

// bindGiven adds the flags for existing secrets.
func (f *secretFlags) bindGiven(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.authHeader, "auth-header", "", "`NAME` of a header to send with each delivery")
	flags.StringVar(&f.authValueFile, "auth-value-file", "", "read the value of --auth-header from `FILE` (- for stdin)")
	flags.StringVar(&f.hmacFile, "hmac-secret-file", "", "read the signing secret from `FILE` (- for stdin)")
}

// secrets are the secrets of a subscription.
type secrets struct {
	authHeader string
	authValue  secret.Text
	hmac       secret.Text
}

// check returns an error for flags that cannot be combined.
func (f *secretFlags) check() error {
	if f.hmacFile != "" && f.generate != "" {
		return usageFailure("--hmac-secret-file cannot be combined with --generate-hmac-secret")
	}
	if f.hmacFile == "-" && f.authValueFile == "-" {
		return usageFailure("only one secret can be read from standard input")
	}
	return nil
}

// read returns all secrets: those of the flags, and the HMAC secret of the environment if no flag has one.
func (f *secretFlags) read(ctx context.Context, r credentials.Reader) (given secrets, err error) {
	if given, err = f.readFlags(ctx, r); err == nil && given.hmac == "" {
		given.hmac, err = r.Variable(ctx, hmacVariable)
	}
	return given, err
}

// readFlags returns the secrets that the flags name. Only the value of the auth header may come from the environment.
func (f *secretFlags) readFlags(ctx context.Context, r credentials.Reader) (given secrets, err error) {
	given.authHeader = f.authHeader
	if err = f.check(); err == nil {
		given.authValue, err = f.readAuth(ctx, r)
	}
	if err == nil {
		given.hmac, err = f.readHMAC(ctx, r)
	}
	return given, err
}

// readAuth reads the value of the auth header. It prompts for the value if only the name is set.
func (f *secretFlags) readAuth(ctx context.Context, r credentials.Reader) (secret.Text, error) {
	if f.authValueFile != "" {
		value, err := r.File(ctx, f.authValueFile)
		return value, wrapFlag("--auth-value-file", err)
	}
	if f.authHeader == "" {
		return "", nil
	}
	value, err := r.Variable(ctx, config.Prefix+"AUTH_HEADER_VALUE")
	if err != nil || value != "" {
		return value, err
	}
	if r.Ask == nil {
		return "", usageFailure("--auth-header requires a value").withHint("pass --auth-value-file or set TLXHOOK_AUTH_HEADER_VALUE")
	}
	return r.PromptNew(ctx, "Value of the header "+f.authHeader)
}

// readHMAC generates the HMAC secret or reads its file; empty without a flag for it.
func (f *secretFlags) readHMAC(ctx context.Context, r credentials.Reader) (secret.Text, error) {
	switch {
	case f.generate != "":
		return generateSecret(r)
	case f.hmacFile != "":
		value, err := r.File(ctx, f.hmacFile)
		return value, wrapFlag("--hmac-secret-file", err)
	default:
		return "", nil
	}
}

func generateSecret(r credentials.Reader) (secret.Text, error) {
	generated, err := secret.Generate()
	if err != nil {
		return "", localFailure("generate a secret", err)
	}
	r.Found(generated)
	return generated, nil
}

func wrapFlag(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}

// secrets returns a reader of secrets from files, standard input, the environment and prompts.
func (a *App) secrets() credentials.Reader {
	r := credentials.Reader{
		Environment: credentials.Environment{Lookup: a.lookup, Stderr: a.terminal.Err}, Stdin: a.terminal.In, Found: a.redactor.Add,
		Keyring: a.keyring, Limit: a.settings.Timeout,
	}
	if a.terminal.IsInteractive() {
		r.Ask = a.terminal.AskSecret
	}
	return r
}

// hmacSecrets reads the secrets in files, or that of the environment if no file is named. sources holds the file name
// or the variable of each secret.
func hmacSecrets(ctx context.Context, r credentials.Reader, files []string) (all []secret.Text, sources []string, err error) {
	for _, file := range files {
		value, err := r.File(ctx, file)
		if err != nil {
			return nil, nil, wrapFlag("--hmac-secret-file", err)
		}
		all, sources = append(all, value), append(sources, file)
	}
	if len(files) > 0 {
		return all, sources, nil
	}
	value, err := r.Variable(ctx, hmacVariable)
	if value == "" || err != nil {
		return nil, nil, err
	}
	return []secret.Text{value}, []string{hmacVariable}, nil
}

// hmacVariable is the environment variable of the HMAC secret.
const hmacVariable = config.Prefix + "HMAC_SECRET"

// keeping writes a generated secret to its new file before use sends it, so that it is never lost. If use fails
// without a change, the file is removed.
func (f *secretFlags) keeping(note func(string, ...any), value secret.Text, use func() error) error {
	if f.generate == "" {
		return use()
	}
	err := credentials.WriteNew(f.generate, value)
	if errors.Is(err, os.ErrExist) {
		return usageFailure("--generate-hmac-secret: file %s already exists", f.generate).
			withHint("name a new file, or use the existing secret with --hmac-secret-file")
	}
	if err != nil {
		return localFailure("write the new secret", err)
	}
	err = use()
	switch {
	case err == nil:
		note("Wrote the new HMAC secret to %s", f.generate)
	case changedNothing(err):
		_ = os.Remove(f.generate)
	default:
		note("Kept the new HMAC secret in %s: it may be in use", f.generate)
	}
	return err
}

// changedNothing reports whether no subscription changed: nothing was selected or confirmed, or Tripletex refused the
// whole request.
func changedNothing(err error) bool {
	f, _ := errors.AsType[*failure](err)
	switch {
	case as[*fleet.PartialError](err), f != nil && f.code == codePartial:
		return false
	case as[*match.MissingError](err), f != nil && slices.Contains([]code{codeDeclined, codeNotFound, codeUsage}, f.code):
		return true
	}
	return slices.Contains([]tripletex.Kind{
		tripletex.Refused, tripletex.Unauthorized, tripletex.Forbidden, tripletex.NotFound, tripletex.Conflict, tripletex.RateLimited,
	}, tripletex.KindOf(err))
}

// natsFlags select a stream and the login at its servers. No flag takes a secret value.
type natsFlags struct {
	login        stream.Login
	name         string
	passwordFile string
}

const natsHelp = `
Log in to NATS with --nats-creds, --nats-nkey or --nats-user. The password of
--nats-user is read from --nats-password-file or TLXHOOK_NATS_PASSWORD; append
_FILE or _COMMAND to the variable name to read a file or the output of a
command. A tls:// URL requires TLS; --nats-ca names the certificates to trust.

Credentials are sent without TLS only to this machine, unless
--nats-allow-cleartext is set. Servers announced by a server are then ignored.`

func (f *natsFlags) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.name, "stream", "tripletex", "`NAME` of the stream")
	flags.StringVar(&f.login.Credentials, "nats-creds", "", "log in to NATS with the credentials in `FILE`")
	flags.StringVar(&f.login.NKey, "nats-nkey", "", "log in to NATS with the NKey seed in `FILE`")
	flags.StringVar(&f.login.User, "nats-user", "", "log in to NATS as user `NAME`")
	flags.StringVar(&f.passwordFile, "nats-password-file", "", "read the password of --nats-user from `FILE` (- for stdin)")
	flags.StringVar(&f.login.CA, "nats-ca", "", "trust the CA certificates in `FILE` for NATS servers")
	flags.StringVar(&f.login.Certificate, "nats-cert", "", "client certificate for NATS servers, in PEM `FILE`")
	flags.BoolVar(&f.login.Cleartext, "nats-allow-cleartext", false, "send NATS credentials without TLS to other machines")
	flags.StringVar(&f.login.Key, "nats-key", "", "private key of --nats-cert, in PEM `FILE`")
}

// read checks the flags and returns the login with its password. It opens no connection.
func (f *natsFlags) read(ctx context.Context, r credentials.Reader) (to stream.Login, err error) {
	switch {
	case f.passwordFile != "" && f.login.User == "":
		return to, usageFailure("--nats-password-file requires --nats-user")
	case f.passwordFile != "":
		f.login.Password, err = r.File(ctx, f.passwordFile)
		err = wrapFlag("--nats-password-file", err)
	case f.login.User != "":
		f.login.Password, err = r.Variable(ctx, config.Prefix+"NATS_PASSWORD")
		if err == nil && f.login.Password == "" {
			return to, usageFailure("--nats-user requires a password").withHint("pass --nats-password-file or set TLXHOOK_NATS_PASSWORD")
		}
	}
	if err != nil {
		return to, err
	}
	for _, name := range []string{f.login.Credentials, f.login.NKey} {
		if err := r.FindKeys(ctx, name); err != nil {
			return to, err
		}
	}
	return f.login, f.login.Check()
}
