package cli

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/cache"
	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func newEventList(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "list [PATTERN...]",
		Aliases: []string{"ls"},
		Short:   "List the available webhook events",
		Long: `List the events of Tripletex with their descriptions and payload types.

No login is required.

A PATTERN selects events by name and ignores case: "*" matches any text, "?" one
character.`,
		Example: `  tlxhook event list
  tlxhook event list 'order.*' '*.delete'
  tlxhook event list -o name`,
		ValidArgsFunction: app.complete.events,
		RunE:              app.run(func(ctx context.Context, args []string) error { return eventList(ctx, app, args) }),
	}
}

func eventList(ctx context.Context, app *App, patterns []string) error {
	client, err := app.logins().Client(ctx)
	if err != nil {
		return err
	}
	events, err := client.Events(ctx)
	if err != nil {
		return err
	}
	cache.Store(cachePath(app.logins(), cachedEvents), app.redactor.RedactResult, events)
	if len(patterns) == 0 {
		return output.List(ctx, app.printer, eventTable(), events)
	}
	names, unknown := match.Events(patterns, events)
	if len(unknown) > 0 {
		return notFoundFailure("no event matches %q", unknown[0]).withEventHint(unknown[0], events)
	}
	selected := make([]tripletex.Event, 0, len(names))
	for _, e := range events {
		if slices.Contains(names, e.Name) {
			selected = append(selected, e)
		}
	}
	return output.List(ctx, app.printer, eventTable(), selected)
}
