package cli

import "github.com/spf13/cobra"

func newCompany(app *App) *cobra.Command {
	return group("company", "The client companies that an accountant's login reaches", []string{"companies"}, newCompanyList(app))
}
