package cli

import "github.com/spf13/cobra"

func newEvent(app *App) *cobra.Command {
	return group("event", "List and inspect webhook events", []string{"events"}, newEventList(app), newEventShow(app))
}
