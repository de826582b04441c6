package cli

import "github.com/spf13/cobra"

func newAuth(app *App) *cobra.Command {
	return group("auth", "Log in, log out and manage profiles", nil,
		newAuthLogin(app), newAuthLogout(app), newAuthStatus(app), newAuthList(app), newAuthSwitch(app))
}
