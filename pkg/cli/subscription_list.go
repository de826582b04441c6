package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func newSubscriptionList(app *App) *cobra.Command {
	s := &selection{}
	cmd := &cobra.Command{
		Use:     "list [ID...]",
		Aliases: []string{"ls"},
		Short:   "List subscriptions and whether they still work",
		Long: `List subscriptions and whether they still work.
` + selectionHelp,
		Example: `  tlxhook subscription list
  tlxhook subscription list --status 'DISABLED*'
  tlxhook subscription list --event 'order.*' -o json`,
		RunE: app.run(func(ctx context.Context, args []string) error { return subscriptionList(ctx, app, s, args) }),
	}
	s.bind(app, cmd, false)
	return cmd
}

func subscriptionList(ctx context.Context, app *App, s *selection, args []string) error {
	if err := s.read(args, false); err != nil {
		return err
	}
	client, err := app.client(ctx)
	if err != nil {
		return err
	}
	found, err := s.find(ctx, client)
	if err != nil {
		return err
	}
	if len(found) == 0 && app.printer.IsTable() {
		app.note("no subscriptions; tlxhook subscription create makes one")
		return nil
	}
	if err := output.List(ctx, app.printer, subscriptionTable(), app.shown(found)); err != nil {
		return err
	}
	if s.filter.Empty() {
		remember(app, rememberSubscriptions, condensed(found))
	}
	if broken := countBroken(found); broken > 0 && app.printer.IsTable() {
		app.note("%s not active; tlxhook subscription enable ID switches one on again", subscriptions(broken))
	}
	return nil
}

func countBroken(all []tripletex.Subscription) int {
	n := 0
	for _, s := range all {
		if s.Status != tripletex.Active {
			n++
		}
	}
	return n
}
