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
func (f *secretFlags) read(ctx context.Context, r credentials.Reader) (given secrets, err error) {
	if err = f.check(); err == nil {
		err = f.readAuth(ctx, r, &given)
	}
	if err == nil {
		err = f.readHMAC(ctx, r, &given, true)
	}
	return given, err
}

// readAuth reads the value of the auth header, asking for it where a name was given without one.
func (f *secretFlags) readAuth(ctx context.Context, r credentials.Reader, to *secrets) (err error) {
	to.authHeader = f.authHeader
	if f.authValueFile != "" {
		to.authValue, err = r.File(ctx, f.authValueFile)
		return wrapFlag("--auth-value-file", err)
	}
	if f.authHeader == "" {
		return nil
	}
	to.authValue, err = r.Variable(ctx, config.Prefix+"AUTH_HEADER_VALUE")
	if err != nil || to.authValue != "" {
		return err
	}
	if r.Ask == nil {
		return usageFailure("--auth-header needs a value").withHint("give it with --auth-value-file or TLXHOOK_AUTH_HEADER_VALUE")
	}
	to.authValue, err = r.Prompt(ctx, "Value of the header "+f.authHeader)
	return err
}

// readHMAC reads the HMAC secret from its flag or, where fromEnvironment says so, from the environment.
func (f *secretFlags) readHMAC(ctx context.Context, r credentials.Reader, to *secrets, fromEnvironment bool) (err error) {
	switch {
	case f.generate != "":
		if to.hmac, err = secret.Generate(); err != nil {
			return localFailure("make a secret", err)
		}
		r.Found(to.hmac)
	case f.hmacFile != "":
		to.hmac, err = r.File(ctx, f.hmacFile)
		err = wrapFlag("--hmac-secret-file", err)
	case fromEnvironment:
		to.hmac, err = r.Variable(ctx, hmacVariable)
	}
	return err
}

func wrapFlag(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}

// secrets returns what reads secrets from files, standard input, the environment and the person.
func (a *App) secrets() credentials.Reader {
	r := credentials.Reader{
		Environment: credentials.Environment{Lookup: a.lookup, Stderr: a.terminal.Err}, Stdin: a.terminal.In, Found: a.redactor.Add,
		Limit: a.settings.Timeout,
	}
	if a.terminal.IsInteractive() {
		r.Ask = a.terminal.AskSecret
	}
	return r
}

// hmacSecrets reads the secrets in files, or the one of the environment if no file is named, and where each is from.
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

// keeping writes a made secret to its new file before use sends it, so that it is never lost, and takes the
// file away again where use certainly changed nothing.
func (f *secretFlags) keeping(note func(string, ...any), value secret.Text, use func() error) error {
	if f.generate == "" {
		return use()
	}
	err := credentials.WriteNew(f.generate, value)
	if errors.Is(err, os.ErrExist) {
		return usageFailure("--generate-hmac-secret: %s is there already", f.generate).
			withHint("name a new file, or use what it holds with --hmac-secret-file")
	}
	if err != nil {
		return localFailure("write the new secret", err)
	}
	err = use()
	switch {
	case err == nil:
		note("the new HMAC secret is in %s", f.generate)
	case changedNothing(err):
		_ = os.Remove(f.generate)
	default:
		note("the new HMAC secret is kept in %s, as it may be in use", f.generate)
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
also with _FILE or _COMMAND behind its name. tls:// in the URL requires TLS;
--nats-ca names the certificates to trust. Credentials are sent without TLS only
to this machine, unless --nats-allow-cleartext is set; servers that a server
names are then ignored.`

func (f *natsFlags) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.name, "stream", "tripletex", "the `NAME` of the stream")
	flags.StringVar(&f.login.Credentials, "nats-creds", "", "log in with the credentials in `FILE`")
	flags.StringVar(&f.login.NKey, "nats-nkey", "", "log in with the NKey whose seed is in `FILE`")
	flags.StringVar(&f.login.User, "nats-user", "", "log in as the user `NAME`")
	flags.StringVar(&f.passwordFile, "nats-password-file", "", "read the password of that user from a `FILE`; - is stdin")
	flags.StringVar(&f.login.CA, "nats-ca", "", "trust servers by the certificates in `FILE`")
	flags.StringVar(&f.login.Certificate, "nats-cert", "", "show the servers the certificate in `FILE`")
	flags.BoolVar(&f.login.Cleartext, "nats-allow-cleartext", false, "send credentials without TLS to other machines")
	flags.StringVar(&f.login.Key, "nats-key", "", "the private key of that certificate, in `FILE`")
}

// read returns the login with its password, and checks that all fits together, before anything is opened.
func (f *natsFlags) read(ctx context.Context, r credentials.Reader) (to stream.Login, err error) {
	switch {
	case f.passwordFile != "" && f.login.User == "":
		return to, usageFailure("--nats-password-file needs --nats-user")
	case f.passwordFile != "":
		f.login.Password, err = r.File(ctx, f.passwordFile)
		err = wrapFlag("--nats-password-file", err)
	case f.login.User != "":
		f.login.Password, err = r.Variable(ctx, config.Prefix+"NATS_PASSWORD")
		if err == nil && f.login.Password == "" {
			return to, usageFailure("--nats-user needs a password").withHint("give it with --nats-password-file or TLXHOOK_NATS_PASSWORD")
		}
	}
	if err != nil {
		return to, err
	}
	for _, name := range []string{f.login.Credentials, f.login.NKey} {
		if err := r.FindKeys(name); err != nil {
			return to, err
		}
	}
	return f.login, f.login.Check()
}
