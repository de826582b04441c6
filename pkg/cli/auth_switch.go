package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/login"
	"github.com/tlxhook/tlxhook/pkg/match"
)

func newAuthSwitch(app *App) *cobra.Command {
	return &cobra.Command{
		Use:               "switch PROFILE",
		Aliases:           []string{"use"},
		Short:             "Set the default profile",
		Example:           "  tlxhook auth switch acme",
		Args:              oneArg("profile"),
		ValidArgsFunction: app.complete.profiles,
		RunE:              app.run(func(ctx context.Context, args []string) error { return authSwitch(ctx, app, args[0]) }),
	}
}

func authSwitch(ctx context.Context, app *App, name string) error {
	err := app.logins().SetDefault(ctx, name)
	if _, unknown := errors.AsType[*login.NoProfileError](err); unknown {
		return noProfileHint(app.logins(), notFoundFailure("%w", err), name)
	}
	if err != nil {
		return err
	}
	app.note("Set the default profile to %s", name)
	used, origin := app.settings.Profile, app.settings.Origin("profile")
	if used != "" && used != name && origin != "--profile" {
		app.warn("%s selects %s instead", origin, used)
	}
	return nil
}

// noProfileHint adds the nearest profile name as a hint.
func noProfileHint(logins *login.Resolver, f *failure, name string) error {
	names := []string{config.SandboxProfile}
	if _, profiles, err := logins.Profiles(); err == nil {
		for _, p := range profiles.All {
			names = append(names, p.Name)
		}
	}
	if near := match.Nearest(name, names); len(near) > 0 {
		return f.withHint("did you mean %s?", near[0])
	}
	if config.CheckProfileName(name) != nil { // no login can have it
		return f.withHint("list the profiles with %s", command{"auth", "list"})
	}
	return f.withHint("create it with %s", command{"auth", "login", "-p", name})
}
