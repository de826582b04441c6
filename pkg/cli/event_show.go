package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func newEventShow(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "show EVENT",
		Short: "Show an event and its example deliveries",
		Long: `Show the description, the payload type and the example deliveries of an event.

A login is required; -p sandbox works without an account.`,
		Example: `  tlxhook event show invoice.charged
  tlxhook event show order.create --jq '.examples[0]'`,
		Args:              oneArg("event"),
		ValidArgsFunction: app.complete.events,
		RunE:              app.run(func(ctx context.Context, args []string) error { return eventShow(ctx, app, args[0]) }),
	}
}

func eventShow(ctx context.Context, app *App, name string) error {
	client, err := app.logins().Client(ctx)
	if err != nil {
		return err
	}
	info, err := eventInfo(ctx, client, name)
	if err != nil {
		return err
	}
	if err := output.Item(ctx, app.printer, eventInfoTable(), info); err != nil || !app.printer.IsTable() {
		return err
	}
	for _, example := range info.Examples {
		raw, err := output.MarshalJSON(example)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(app.terminal.Out, "\nExample delivery:\n%s\n", indented(raw)); err != nil {
			return err
		}
	}
	return nil
}

// eventInfo returns an event. The error for an unknown name suggests similar names.
func eventInfo(ctx context.Context, client *tripletex.Client, name string) (tripletex.EventInfo, error) {
	info, err := client.Event(ctx, name)
	if tripletex.KindOf(err) == tripletex.NotFound {
		if events, listErr := client.Events(ctx); listErr == nil {
			err = notFoundFailure("event %q not found", name).withHint("%s", eventHint(name, events))
		}
	}
	return info, err
}
