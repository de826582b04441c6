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
		Short: "End the session and forget the tokens of a profile",
		Long: `End the session and forget the tokens of a profile: the one that -p names, else
the current one. The tokens themselves stay valid in Tripletex.`,
		Example: "  tlxhook auth logout\n  tlxhook auth logout -p acme",
		Args:    noArgs,
		RunE:    app.run(func(ctx context.Context, _ []string) error { return authLogout(ctx, app) }),
	}
}

func authLogout(ctx context.Context, app *App) error {
	profile, err := app.logins().Remove(app.settings.Profile, func(p config.Profile) { endSession(ctx, app.logins(), app.note, p.Name) })
	if err != nil {
		return err
	}
	app.note("logged out of %s (profile %s)", profile.CompanyName, profile.Name)
	return nil
}

// endSession ends the stored session at the service. A failure is only noted, as the tokens are removed in any case.
func endSession(ctx context.Context, logins *login.Resolver, note func(string, ...any), name string) {
	l, err := logins.FromProfile(ctx, name)
	if err == nil {
		var client *tripletex.Client
		if client, err = logins.Connect(l); err == nil {
			err = client.EndSession(ctx)
		}
	}
	if err != nil {
		note("the session could not be ended and runs out by itself: %v", err)
	}
}
