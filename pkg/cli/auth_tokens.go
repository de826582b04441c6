package cli

import (
	"context"
	"errors"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

type choice = terminal.Choice

// askTokens asks the person for the tokens of a login.
func askTokens(ctx context.Context, app *App) (tripletex.Credentials, error) {
	var tokens tripletex.Credentials
	if !app.terminal.IsInteractive() {
		return tokens, usageFailure("there are no tokens, and no terminal to ask for them").
			withHint("give --consumer-token-file and --employee-token-file, or --refresh-token-file, or set TLXHOOK_CONSUMER_TOKEN and TLXHOOK_EMPLOYEE_TOKEN")
	}
	kind, err := app.terminal.Select(ctx, "Tokens", []choice{
		{Value: employeeTokens, Label: "Consumer token and employee token"}, {Value: refreshTokens, Label: "Refresh token (tlxr_...)"},
	})
	if err != nil {
		return tokens, err
	}
	questions := map[string]*secret.Text{"Refresh token": &tokens.RefreshToken}
	order := []string{"Refresh token"}
	if kind == employeeTokens {
		questions = map[string]*secret.Text{"Consumer token": &tokens.ConsumerToken, "Employee token": &tokens.EmployeeToken}
		order = []string{"Consumer token", "Employee token"}
	}
	for _, question := range order {
		value, err := app.terminal.AskSecret(ctx, question)
		if err != nil {
			return tokens, err
		}
		app.redactor.Add(value)
		*questions[question] = value
	}
	return tokens, nil
}

// provedSession holds the session that proved the tokens until it can be kept beside them.
type provedSession struct{ session tripletex.Session }

// Load implements tripletex.SessionCache.
func (*provedSession) Load(context.Context) (tripletex.Session, bool) {
	return tripletex.Session{}, false
}

// Save implements tripletex.SessionCache.
func (p *provedSession) Save(_ context.Context, s tripletex.Session) { p.session = s }

// keep stores the tokens and the profile, all or nothing.
func keep(store credentials.Store, folders config.Folders, profile config.Profile, tokens tripletex.Credentials) error {
	err := forget(store, profile.Name)
	for kind, value := range map[credentials.Kind]secret.Text{
		credentials.ConsumerToken: tokens.ConsumerToken, credentials.EmployeeToken: tokens.EmployeeToken, credentials.RefreshToken: tokens.RefreshToken,
	} {
		if err == nil && value != "" {
			err = store.Set(profile.Name, kind, value)
		}
	}
	var profiles *config.Profiles
	if err == nil {
		profiles, err = config.LoadProfiles(folders.Config)
	}
	if err == nil {
		profiles.Put(profile)
		err = profiles.Save(folders.Config)
	}
	if err != nil {
		return errors.Join(err, forget(store, profile.Name))
	}
	return nil
}

// forget deletes every secret of a profile.
func forget(store credentials.Store, name string) error {
	var failed error
	for _, kind := range credentials.Kinds() {
		failed = errors.Join(failed, store.Delete(name, kind))
	}
	return failed
}
