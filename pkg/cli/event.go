package cli

import "github.com/spf13/cobra"

func newEvent(app *App) *cobra.Command {
	return group("event", "What Tripletex can tell about", []string{"events"}, newEventList(app), newEventShow(app))
}
