package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func newSubscriptionShow(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "show ID",
		Aliases: []string{"get", "describe"},
		Short:   "Show a subscription and its changes",
		Example: `  tlxhook subscription show 4711
  tlxhook subscription show 4711 --jq .status`,
		Args:              oneArg("ID"),
		ValidArgsFunction: app.complete.subscriptions,
		RunE:              app.run(func(ctx context.Context, args []string) error { return subscriptionShow(ctx, app, args) }),
	}
}

func subscriptionShow(ctx context.Context, app *App, args []string) error {
	s := &selection{}
	if err := s.read(args, false, false); err != nil {
		return err
	}
	client, err := app.logins().Client(ctx)
	if err != nil {
		return err
	}
	one, err := client.Subscription(ctx, s.filter.IDs[0])
	if tripletex.KindOf(err) == tripletex.NotFound {
		return &match.MissingError{IDs: s.filter.IDs}
	}
	if err != nil {
		return err
	}
	one.TargetURL = app.target(one.TargetURL)
	return output.Item(ctx, app.printer, subscriptionTable(), one)
}
