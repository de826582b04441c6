package cli

import (
	"context"

	"github.com/spf13/cobra"
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
	folders, profiles, err := app.profiles()
	if err != nil {
		return err
	}
	name := app.settings.Profile
	if name == "" {
		name = profiles.Current
	}
	profile := profiles.Find(name)
	if profile == nil {
		return notFoundFailure("there is no login to forget").withHint("tlxhook auth list shows the profiles")
	}
	store := app.store(profile.Store, folders)
	app.endSession(ctx, name)
	if err := forget(store, name); err != nil {
		return noStore(err)
	}
	company := profile.CompanyName
	profiles.Remove(name)
	if err := profiles.Save(folders.Config); err != nil {
		return localFailure("write profiles", err)
	}
	app.note("logged out of %s (profile %s)", company, name)
	return nil
}

// endSession ends the kept session at the service. A failure is only noted: the tokens are to go all the same.
func (a *App) endSession(ctx context.Context, name string) {
	l, err := a.profileLogin(ctx, name)
	if err == nil {
		var client interface{ EndSession(context.Context) error }
		if client, err = a.connect(l); err == nil {
			err = client.EndSession(ctx)
		}
	}
	if err != nil {
		a.note("the session could not be ended and runs out by itself: %v", err)
	}
}
