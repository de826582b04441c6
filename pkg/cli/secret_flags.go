package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/stream"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// secretFlags say where the secrets of a subscription come from. No flag takes a secret itself: the arguments
// of a process can be read by everybody on the machine.
type secretFlags struct {
	authHeader    string
	authValueFile string
	hmacFile      string
	generate      string
}

const secretHelp = `
No flag takes a secret itself. --auth-value-file and --hmac-secret-file name a
file, or "-" for standard input; TLXHOOK_AUTH_HEADER_VALUE and
TLXHOOK_HMAC_SECRET hold them, or with _FILE or _COMMAND behind their names say
where they are.`

func (f *secretFlags) bind(cmd *cobra.Command) {
	f.bindGiven(cmd)
	cmd.Flags().StringVar(&f.generate, "generate-hmac-secret", "", "make a strong secret and write it to a new `FILE`")
}

// bindGiven binds the flags that name secrets which are there.
func (f *secretFlags) bindGiven(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.authHeader, "auth-header", "", "send the header `NAME` with every delivery")
	flags.StringVar(&f.authValueFile, "auth-value-file", "", "read the value of that header from a `FILE`; - is stdin")
	flags.StringVar(&f.hmacFile, "hmac-secret-file", "", "read the secret that signs deliveries from a `FILE`; - is stdin")
}

// secrets are the secrets of a subscription.
type secrets struct {
	authHeader string
	authValue  secret.Text
	hmac       secret.Text
}

// check refuses flags that exclude each other.
func (f *secretFlags) check() error {
	if f.hmacFile != "" && f.generate != "" {
		return usageFailure("--hmac-secret-file and --generate-hmac-secret exclude each other")
	}
	if f.hmacFile == "-" && f.authValueFile == "-" {
		return usageFailure("only one secret can come from standard input")
	}
	return nil
}

// read reads all secrets, from their flags or from the environment.
func (f *secretFlags) read(ctx context.Context, app *App) (given secrets, err error) {
	if err = f.check(); err == nil {
		err = f.readAuth(ctx, app, &given)
	}
	if err == nil {
		err = f.readHMAC(ctx, app, &given, true)
	}
	return given, err
}

// readAuth reads the value of the auth header, asking for it where a name was given without one.
func (f *secretFlags) readAuth(ctx context.Context, app *App, to *secrets) (err error) {
	to.authHeader = f.authHeader
	if f.authValueFile != "" {
		to.authValue, err = app.secretFrom(f.authValueFile)
		return wrapFlag("--auth-value-file", err)
	}
	if f.authHeader == "" {
		return nil
	}
	to.authValue, err = app.secretFromEnvironment(ctx, "AUTH_HEADER_VALUE")
	if err != nil || to.authValue != "" {
		return err
	}
	if !app.terminal.IsInteractive() {
		return usageFailure("--auth-header needs a value").withHint("give it with --auth-value-file or TLXHOOK_AUTH_HEADER_VALUE")
	}
	to.authValue, err = app.terminal.AskSecret(ctx, "Value of the header "+f.authHeader)
	app.redactor.Add(to.authValue)
	return err
}

// readHMAC reads the HMAC secret from its flag or, where fromEnvironment says so, from the environment.
func (f *secretFlags) readHMAC(ctx context.Context, app *App, to *secrets, fromEnvironment bool) (err error) {
	switch {
	case f.generate != "":
		if to.hmac, err = secret.Generate(); err != nil {
			return localFailure("make a secret", err)
		}
		app.redactor.Add(to.hmac)
	case f.hmacFile != "":
		to.hmac, err = app.secretFrom(f.hmacFile)
		err = wrapFlag("--hmac-secret-file", err)
	case fromEnvironment:
		to.hmac, err = app.secretFromEnvironment(ctx, "HMAC_SECRET")
	}
	return err
}

func wrapFlag(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}

// secretFrom reads a secret from a file, or from standard input where the name is "-".
func (a *App) secretFrom(name string) (value secret.Text, err error) {
	if name == "-" {
		value, err = credentials.FromReader(a.terminal.In)
	} else {
		value, err = credentials.FromFile(name)
	}
	a.redactor.Add(value)
	return value, err
}

func (a *App) secretFromEnvironment(ctx context.Context, name string) (secret.Text, error) {
	value, _, err := credentials.Environment{Lookup: a.lookup, Stderr: a.terminal.Err}.Get(ctx, config.Prefix+name)
	a.redactor.Add(value)
	return value, err
}

// keeping writes a made secret to its new file before use sends it, so that it is never lost, and takes the
// file away again where use certainly changed nothing.
func (f *secretFlags) keeping(app *App, value secret.Text, use func() error) error {
	if f.generate == "" {
		return use()
	}
	file, err := os.OpenFile(f.generate, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return usageFailure("--generate-hmac-secret: %s is there already", f.generate).withHint("name a new file, or use what it holds with --hmac-secret-file")
	}
	if err != nil {
		return localFailure("write the new secret", err)
	}
	_, err = file.WriteString(value.Reveal() + "\n")
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		_ = os.Remove(f.generate)
		return localFailure("write the new secret", err)
	}
	err = use()
	switch {
	case err == nil:
		app.note("the new HMAC secret is in %s", f.generate)
	case changedNothing(err):
		_ = os.Remove(f.generate)
	default:
		app.note("the new HMAC secret is kept in %s, as it may be in use", f.generate)
	}
	return err
}

// changedNothing tells whether the service said clearly that it did nothing.
func changedNothing(err error) bool {
	if f, ok := errors.AsType[*failure](err); ok && f.exit == exitPartial {
		return false
	}
	return slices.Contains([]tripletex.Kind{
		tripletex.Refused, tripletex.Unauthorized, tripletex.Forbidden, tripletex.NotFound, tripletex.Conflict, tripletex.RateLimited,
	}, tripletex.KindOf(err))
}

// natsFlags say which stream is used, and how to log in at its servers. No flag takes a secret.
type natsFlags struct {
	login        stream.Login
	name         string
	passwordFile string
}

const natsHelp = `
A NATS server is logged in at with --nats-creds, --nats-nkey or --nats-user,
whose password comes from --nats-password-file or from TLXHOOK_NATS_PASSWORD,
also with _FILE or _COMMAND behind its name. tls:// in the URL asks for TLS;
--nats-ca names the certificates to trust.`

func (f *natsFlags) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.name, "stream", "tripletex", "the `NAME` of the stream")
	flags.StringVar(&f.login.Credentials, "nats-creds", "", "log in with the credentials in `FILE`")
	flags.StringVar(&f.login.NKey, "nats-nkey", "", "log in with the NKey whose seed is in `FILE`")
	flags.StringVar(&f.login.User, "nats-user", "", "log in as the user `NAME`")
	flags.StringVar(&f.passwordFile, "nats-password-file", "", "read the password of that user from a `FILE`; - is stdin")
	flags.StringVar(&f.login.CA, "nats-ca", "", "trust servers by the certificates in `FILE`")
	flags.StringVar(&f.login.Certificate, "nats-cert", "", "show the servers the certificate in `FILE`")
	flags.StringVar(&f.login.Key, "nats-key", "", "the private key of that certificate, in `FILE`")
}

// read reads the password and checks that all fits together, before anything is opened.
func (f *natsFlags) read(ctx context.Context, app *App) (err error) {
	switch {
	case f.passwordFile != "" && f.login.User == "":
		return usageFailure("--nats-password-file needs --nats-user")
	case f.passwordFile != "":
		f.login.Password, err = app.secretFrom(f.passwordFile)
		err = wrapFlag("--nats-password-file", err)
	case f.login.User != "":
		f.login.Password, err = app.secretFromEnvironment(ctx, "NATS_PASSWORD")
		if err == nil && f.login.Password == "" {
			return usageFailure("--nats-user needs a password").withHint("give it with --nats-password-file or TLXHOOK_NATS_PASSWORD")
		}
	}
	if err != nil {
		return err
	}
	for _, name := range []string{f.login.Credentials, f.login.NKey} {
		if err := app.redactLines(name); err != nil {
			return err
		}
	}
	return f.login.Check()
}

// shortKey is the length of the shortest key in a file of credentials, in bytes.
const shortKey = 40

// redactLines takes the keys in a file as secret.
func (a *App) redactLines(name string) error {
	if name == "" {
		return nil
	}
	raw, err := os.ReadFile(name)
	for line := range strings.Lines(string(raw)) {
		if line = strings.TrimSpace(line); len(line) >= shortKey && !strings.HasPrefix(line, "-") {
			a.redactor.Add(secret.Text(line))
		}
	}
	return err
}
