package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/login"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func newAuthLogout(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "logout",
		Short: "Log out and delete the stored tokens",
		Long: `End the session of a profile and delete its stored tokens. -p selects the
profile (default: the default profile). The tokens stay valid in Tripletex.`,
		Example: "  tlxhook auth logout\n  tlxhook auth logout -p acme",
		Args:    noArgs,
		RunE:    app.run(func(ctx context.Context, _ []string) error { return authLogout(ctx, app) }),
	}
}

func authLogout(ctx context.Context, app *App) error {
	profile, err := app.logins().Remove(ctx, app.settings.Profile, func(p config.Profile) { endSession(ctx, app.logins(), app.note, p.Name) })
	if err != nil {
		return err
	}
	app.note("Logged out of %s (profile %s)", profile.CompanyName, profile.Name)
	return nil
}

// endSession ends the stored session at Tripletex. It only notes a failure, as the tokens are deleted in any case.
func endSession(ctx context.Context, logins *login.Resolver, note func(string, ...any), name string) {
	l, err := logins.FromProfile(ctx, name)
	if err == nil {
		var client *tripletex.Client
		if client, err = logins.Connect(l); err == nil {
			err = client.EndSession(ctx)
		}
	}
	if err != nil {
		note("warning: the session was not ended and remains valid until it expires: %v", err)
	}
}
