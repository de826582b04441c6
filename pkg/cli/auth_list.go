package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/login"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/secret"
)

func newAuthList(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List profiles",
		Example: "  tlxhook auth list",
		Args:    noArgs,
		RunE:    app.run(func(ctx context.Context, _ []string) error { return authList(ctx, app) }),
	}
}

// profileRow is a profile as printed.
type profileRow struct {
	Profile     string `json:"profile"`
	Current     bool   `json:"current"`
	Environment string `json:"environment"`
	BaseURL     string `json:"baseUrl"`
	TokenKind   string `json:"tokenKind"`
	Store       string `json:"store"`
	CompanyID   int64  `json:"companyId"`
	CompanyName string `json:"companyName"`
}

func authList(ctx context.Context, app *App) error {
	_, profiles, err := app.logins().Profiles()
	if err != nil {
		return err
	}
	rows := profileRows(profiles)
	if len(rows) == 0 && app.printer.IsTable() {
		app.note("No profiles. Create one with %s", app.given.line("auth", "login"))
		return nil
	}
	return output.List(ctx, app.printer, profileTable(), rows)
}

func profileRows(profiles *config.Profiles) []profileRow {
	rows := []profileRow{}
	for _, p := range profiles.All {
		rows = append(rows, profileRow{
			p.Name, p.Name == profiles.Current, login.EnvironmentOf(p), secret.MaskURL(p.BaseURL), p.TokenKind, p.Store,
			p.CompanyID, p.CompanyName,
		})
	}
	return rows
}

func profileTable() output.Table[profileRow] {
	return output.TableOf([]output.Column[profileRow]{
		{Name: "profile"},
		{Name: "current", Text: profileRow.current},
		{Name: "environment"},
		{Name: "companyName", Title: "COMPANY", Shrinks: true},
		{Name: "store"},
		{Name: "tokenKind", Title: "TOKENS", Detail: true},
		{Name: "baseUrl", Title: "ADDRESS", Detail: true},
		{Name: "companyId", OmitZero: true, Detail: true},
	})
}

func (r profileRow) current() string {
	if r.Current {
		return "yes"
	}
	return "no"
}
