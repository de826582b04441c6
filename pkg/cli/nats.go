package cli

import (
	"context"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/stream"
)

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
