package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/login"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// loginOptions are the flags of auth login.
type loginOptions struct {
	environment  string
	store        string
	consumerFile string
	employeeFile string
	refreshFile  string
}

func newAuthLogin(app *App) *cobra.Command {
	o := &loginOptions{}
	cmd := &cobra.Command{
		Use:   "login",
		Short: "Prove tokens and keep them in the keyring",
		Long: `Prove tokens by making a session with them, and keep them in the keyring of the
system. Nothing is kept of tokens that do not work.

A login is a consumer token and an employee token, or a refresh token
("tlxr_..."). They are asked for, or read from files ("-" is standard input), or
from the environment: see tlxhook help environment.

Each login has a profile name, given with -p; without one it is "default".`,
		Example: `  tlxhook auth login
  tlxhook auth login -p acme --environment test
  tlxhook auth login -p acme --refresh-token-file token.txt --store file`,
		Args: noArgs,
		RunE: app.runUnlimited(func(ctx context.Context, _ []string) error { return authLogin(ctx, app, o) }),
	}
	flags := cmd.Flags()
	flags.StringVar(&o.environment, "environment", "", "production, test or the `URL` of the API (default production)")
	flags.StringVar(&o.store, "store", login.KeyringStore, "keep the tokens in this `STORE`: keyring, or file for a private file")
	flags.StringVar(&o.consumerFile, "consumer-token-file", "", "read the consumer token from a `FILE`; - is stdin")
	flags.StringVar(&o.employeeFile, "employee-token-file", "", "read the employee token from a `FILE`; - is stdin")
	flags.StringVar(&o.refreshFile, "refresh-token-file", "", "read a refresh token from a `FILE`; - is stdin")
	return cmd
}

func authLogin(ctx context.Context, app *App, o *loginOptions) error {
	folders, err := config.NewFolders(app.lookup)
	if err != nil {
		return err
	}
	name, err := o.check(app)
	if err != nil {
		return err
	}
	store := app.logins().Store(o.store, folders)
	// The store comes before the questions, so that nobody types tokens that cannot be kept.
	if _, err := store.Get(name, credentials.Session); err != nil && !errors.Is(err, credentials.ErrNotFound) {
		return noStore(err)
	}
	l, tokens, err := o.gather(ctx, app, name)
	if err != nil {
		return err
	}
	ctx, cancel := app.limited(ctx)
	defer cancel()
	proved := &provedSession{}
	l.Options.Credentials, l.Options.Cache = tokens.Get, proved
	status, err := app.logins().Verify(ctx, l)
	if err != nil {
		return err
	}
	profile := config.Profile{
		Name: name, BaseURL: status.BaseURL, TokenKind: l.TokenKind, Store: o.store,
		CompanyID: status.CompanyID, CompanyName: status.CompanyName,
	}
	if err := app.logins().Save(profile, tokens, proved.session); err != nil {
		return noStore(err)
	}
	app.note("logged in to %s; the tokens are in the %s", status.CompanyName, o.store)
	return output.Item(ctx, app.printer, output.TableOf[login.Status](nil), status)
}

// noStore says what to do where tokens cannot be kept.
func noStore(err error) error {
	f := localFailure("keep the tokens", err)
	if errors.Is(err, credentials.ErrNoKeyring) {
		return f.withHint("%s", noKeyringHint)
	}
	return f
}

// check refuses flags that cannot be followed, and returns the name of the profile.
func (o *loginOptions) check(app *App) (string, error) {
	name := app.settings.Profile
	if name == "" {
		name = config.DefaultProfile
	}
	if err := config.CheckProfileName(name); err != nil {
		return "", usageFailure("%w", err)
	}
	fromStdin := 0
	for _, file := range []string{o.consumerFile, o.employeeFile, o.refreshFile} {
		if file == "-" {
			fromStdin++
		}
	}
	switch {
	case name == config.SandboxProfile:
		return "", usageFailure("the profile sandbox is built in and needs no login").withHint("give another name with -p")
	case o.store != login.KeyringStore && o.store != login.FileStore:
		return "", usageFailure("store %q: must be keyring or file", o.store)
	case fromStdin > 1:
		return "", usageFailure("only one token can come from standard input")
	case o.refreshFile != "" && o.consumerFile+o.employeeFile != "":
		return "", usageFailure("a refresh token stands alone, without consumer and employee token")
	case (o.consumerFile == "") != (o.employeeFile == ""):
		return "", usageFailure("--consumer-token-file and --employee-token-file go together")
	}
	return name, nil
}

// address returns the base URL that the flags, or the person, chose.
func (o *loginOptions) address(ctx context.Context, app *App) (string, error) {
	chosen := o.environment
	if chosen == "" && app.settings.BaseURL != "" {
		return app.settings.BaseURL, nil
	}
	if chosen == "" && app.terminal.IsInteractive() {
		var err error
		if chosen, err = app.terminal.Select(ctx, "Environment", []choice{
			{Value: "production", Label: "Production (tripletex.no)"}, {Value: "test", Label: "Test (api-test.tripletex.tech)"},
		}); err != nil {
			return "", err
		}
	}
	switch chosen {
	case "", "production":
		return tripletex.Production, nil
	case "test":
		return tripletex.Test, nil
	}
	if !strings.Contains(chosen, "://") {
		return "", usageFailure("environment %q: must be production, test or a URL", secret.MaskURL(chosen))
	}
	return chosen, nil
}

// gather reads the tokens: from files, else from the environment, else from the person.
func (o *loginOptions) gather(ctx context.Context, app *App, name string) (*login.Login, tripletex.Credentials, error) {
	tokens, err := o.readFiles(app.secrets())
	if err != nil {
		return nil, tokens, err
	}
	if tokens == (tripletex.Credentials{}) {
		given, err := app.logins().FromEnvironment(ctx)
		if err != nil {
			return nil, tokens, err
		}
		if given != nil {
			if tokens, err = given.Options.Credentials(ctx); err != nil {
				return nil, tokens, err
			}
		}
	}
	l := &login.Login{Profile: name, Source: o.store}
	if l.Options.BaseURL, err = o.address(ctx, app); err != nil {
		return nil, tokens, err
	}
	if tokens == (tripletex.Credentials{}) {
		if tokens, err = askTokens(ctx, app); err != nil {
			return nil, tokens, err
		}
	}
	l.TokenKind = login.EmployeeTokens
	if tokens.RefreshToken != "" {
		l.TokenKind = login.RefreshTokens
	}
	if tokens.SessionToken != "" {
		return nil, tokens, usageFailure("a session token cannot be kept, as it ends by itself").
			withHint("log in with the tokens that it was made from")
	}
	if err := tokens.CheckFor(l.Options.BaseURL); err != nil {
		return nil, tokens, usageFailure("%w", err)
	}
	return l, tokens, nil
}

func (o *loginOptions) readFiles(r credentials.Reader) (tripletex.Credentials, error) {
	var tokens tripletex.Credentials
	for _, from := range []struct {
		flag, file string
		to         *secret.Text
	}{
		{"--consumer-token-file", o.consumerFile, &tokens.ConsumerToken},
		{"--employee-token-file", o.employeeFile, &tokens.EmployeeToken},
		{"--refresh-token-file", o.refreshFile, &tokens.RefreshToken},
	} {
		if from.file == "" {
			continue
		}
		value, err := r.File(from.file)
		if err != nil {
			return tokens, wrapFlag(from.flag, err)
		}
		*from.to = value
	}
	return tokens, nil
}

// askTokens asks for the tokens of a login.
func askTokens(ctx context.Context, app *App) (tripletex.Credentials, error) {
	var tokens tripletex.Credentials
	if !app.terminal.IsInteractive() {
		return tokens, usageFailure("there are no tokens, and no terminal to ask for them").
			withHint("give --consumer-token-file and --employee-token-file, or --refresh-token-file, " +
				"or set TLXHOOK_CONSUMER_TOKEN and TLXHOOK_EMPLOYEE_TOKEN")
	}
	kind, err := app.terminal.Select(ctx, "Tokens", []choice{
		{Value: login.EmployeeTokens, Label: "Consumer token and employee token"},
		{Value: login.RefreshTokens, Label: "Refresh token (tlxr_...)"},
	})
	if err != nil {
		return tokens, err
	}
	type question struct {
		text string
		to   *secret.Text
	}
	questions := []question{{"Refresh token", &tokens.RefreshToken}}
	if kind == login.EmployeeTokens {
		questions = []question{{"Consumer token", &tokens.ConsumerToken}, {"Employee token", &tokens.EmployeeToken}}
	}
	for _, q := range questions {
		if *q.to, err = app.secrets().Prompt(ctx, q.text); err != nil {
			return tokens, err
		}
	}
	return tokens, nil
}

// provedSession keeps the session that verified the tokens until it is stored with them.
type provedSession struct{ session tripletex.Session }

// Load implements tripletex.SessionCache.
func (*provedSession) Load(context.Context) (tripletex.Session, bool) {
	return tripletex.Session{}, false
}

// Save implements tripletex.SessionCache.
func (p *provedSession) Save(_ context.Context, s tripletex.Session) { p.session = s }

type choice = terminal.Choice
