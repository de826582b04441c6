package cli

import (
	"context"

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
		Short:   "List the events that can be subscribed to",
		Long: `List the events that can be subscribed to. No login is needed.

A pattern may hold "*" for any text and "?" for one character; case does not
matter.`,
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
	cache.Store(cachePath(app.logins(), cachedEvents), events)
	if len(patterns) == 0 {
		return output.List(ctx, app.printer, eventTable(), events)
	}
	names, unknown := match.Events(patterns, events)
	if len(unknown) > 0 {
		return notFoundFailure("no event matches %q", unknown[0]).withHint("%s", eventHint(unknown[0], events))
	}
	picked := make([]tripletex.Event, 0, len(names))
	for _, e := range events {
		for _, name := range names {
			if e.Name == name {
				picked = append(picked, e)
			}
		}
	}
	return output.List(ctx, app.printer, eventTable(), picked)
}
