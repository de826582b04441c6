package cli

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/login"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// loginOptions are the flags of auth login.
type loginOptions struct {
	environment string
	store       string
	files       login.TokenFiles
}

func newAuthLogin(app *App) *cobra.Command {
	o := &loginOptions{}
	cmd := &cobra.Command{
		Use:   "login",
		Short: "Log in and store the tokens in the system keyring",
		Long: `Log in: verify the tokens with a session, and store them in the system keyring.
A failed login changes nothing that is stored.

A login needs a consumer token and an employee token, or a refresh token
("tlxr_..."). They are read from files, from the environment (see tlxhook help
environment) or from a hidden prompt.

-p selects the name of the profile (default "default").`,
		Example: `  tlxhook auth login
  tlxhook auth login -p acme --environment test
  tlxhook auth login -p acme --refresh-token-file token.txt --store file`,
		Args: noArgs,
		RunE: app.runUnlimited(func(ctx context.Context, _ []string) error { return authLogin(ctx, app, o) }),
	}
	flags := cmd.Flags()
	flags.StringVar(&o.environment, "environment", "", "production, test or the base `URL` of the API (default production)")
	flags.StringVar(&o.store, "store", login.KeyringStore, "token `STORE`: keyring, or file for a private file")
	flags.StringVar(&o.files.Consumer, "consumer-token-file", "", "read the consumer token from `FILE` (- for stdin)")
	flags.StringVar(&o.files.Employee, "employee-token-file", "", "read the employee token from `FILE` (- for stdin)")
	flags.StringVar(&o.files.Refresh, "refresh-token-file", "", "read a refresh token from `FILE` (- for stdin)")
	return cmd
}

func authLogin(ctx context.Context, app *App, o *loginOptions) error {
	name, err := o.check(app.settings.Profile)
	if err != nil {
		return err
	}
	logins := app.logins()
	if err := logins.CheckStore(name, o.store); err != nil {
		return err
	}
	tokens, err := logins.Given(ctx, o.files, app.secrets())
	if err != nil {
		return err
	}
	address, err := o.address(ctx, app.settings.BaseURL, app.terminal)
	if err != nil {
		return err
	}
	if tokens == (tripletex.Credentials{}) {
		if tokens, err = askTokens(ctx, &app.console, app.secrets(), address); err != nil {
			return err
		}
	}
	app.settings.BaseURL = address // for the hints of errors
	ctx, cancel := app.limited(ctx)
	defer cancel()
	status, err := logins.LogIn(ctx, name, o.store, address, tokens)
	if err != nil {
		return err
	}
	app.note("Logged in to %s. Stored the tokens in the %s", status.CompanyName, o.store)
	return output.Item(ctx, app.printer, output.TableOf[login.Status](nil), status)
}

// check validates the flags and returns the name of the profile.
func (o *loginOptions) check(profile string) (string, error) {
	name := cmp.Or(profile, config.DefaultProfile)
	if err := config.CheckProfileName(name); err != nil {
		return "", usageFailure("%w", err)
	}
	switch {
	case name == config.SandboxProfile:
		return "", usageFailure("%w", login.ErrBuiltIn).withHint("select another name with -p")
	case o.store != login.KeyringStore && o.store != login.FileStore:
		return "", usageFailure("--store %q: must be keyring or file", o.store)
	}
	return name, o.files.Check()
}

// address returns the base URL of the API: that of --environment, else of the settings, else of a prompt.
func (o *loginOptions) address(ctx context.Context, configured string, t *terminal.Terminal) (string, error) {
	chosen := o.environment
	if chosen == "" && configured != "" {
		return configured, nil
	}
	if chosen == "" && t.IsInteractive() {
		var err error
		if chosen, err = t.Select(ctx, "Environment", []terminal.Choice{
			{Value: "production", Label: "Production (tripletex.no)"}, {Value: "test", Label: "Test (api-test.tripletex.tech)"},
		}); err != nil {
			return "", err
		}
	}
	return login.ParseEnvironment(cmp.Or(chosen, "production"))
}

// askTokens prompts for the tokens of a login at an API address.
func askTokens(ctx context.Context, c *console, r credentials.Reader, address string) (tokens tripletex.Credentials, err error) {
	if !c.terminal.IsInteractive() {
		return tokens, usageFailure("no tokens given, and no terminal for a prompt").
			withHint("pass --consumer-token-file and --employee-token-file, pass --refresh-token-file, " +
				"or set TLXHOOK_CONSUMER_TOKEN and TLXHOOK_EMPLOYEE_TOKEN")
	}
	kind, err := c.terminal.Select(ctx, "Tokens", []terminal.Choice{
		{Value: login.EmployeeTokens, Label: "Consumer token and employee token"},
		{Value: login.RefreshTokens, Label: "Refresh token (tlxr_...)"},
	})
	if err != nil {
		return tokens, err
	}
	c.note("%s", login.TokenHelp(address, kind))
	if kind == login.RefreshTokens {
		tokens.RefreshToken, err = r.Prompt(ctx, "Refresh token")
		return tokens, err
	}
	if tokens.ConsumerToken, err = r.Prompt(ctx, "Consumer token"); err == nil {
		tokens.EmployeeToken, err = r.Prompt(ctx, "Employee token")
	}
	return tokens, err
}
