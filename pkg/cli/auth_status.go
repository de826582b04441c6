package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/login"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/secret"
)

func newAuthStatus(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "status",
		Aliases: []string{"whoami"},
		Short:   "Show and verify the login in use",
		Example: "  tlxhook auth status\n  tlxhook auth status -p acme --jq .companyName",
		Args:    noArgs,
		RunE:    app.run(func(ctx context.Context, _ []string) error { return showAuthStatus(ctx, app) }),
	}
}

func showAuthStatus(ctx context.Context, app *App) error {
	if app.settings.Origin("company") == "--company" {
		return usageFailure("--company has no effect: a login is verified in its own company").
			withHint("test access to a company with %s", command{"subscription", "list"})
	}
	l, err := app.logins().Login(ctx)
	if err != nil {
		return err
	}
	status, err := app.logins().Verify(ctx, l)
	if err != nil {
		if l.Source != "" {
			app.note("Used %s tokens from %s for %s", l.TokenKind, l.From(), secret.MaskURL(l.Options.BaseURL))
		}
		return err
	}
	return output.Item(ctx, app.printer, output.TableOf[login.Status](nil), status)
}
