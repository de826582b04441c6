package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func newCompany(app *App) *cobra.Command {
	return group("company", "List client companies", []string{"companies"}, newCompanyList(app))
}

func newCompanyList(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the client companies of the login",
		Long: `List the client companies that the login reaches. An accountant login has access
to these only: select one by ID with --company or TLXHOOK_COMPANY.`,
		Example: `  tlxhook company list
  tlxhook company list --jq '.[] | select(.name | test("Bygg")) | .id'`,
		Args: noArgs,
		RunE: app.run(func(ctx context.Context, _ []string) error { return companyList(ctx, app) }),
	}
}

func companyList(ctx context.Context, app *App) error {
	client, err := app.logins().Client(ctx)
	if err != nil {
		return err
	}
	var all []tripletex.Company
	for company, err := range client.Companies(ctx) {
		if err != nil {
			return err
		}
		all = append(all, company)
	}
	if len(all) == 0 && app.printer.IsTable() {
		app.note("No client companies. Omit --company to use the company of the login")
		return nil
	}
	return output.List(ctx, app.printer, companyTable(), all)
}
