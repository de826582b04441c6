package cli

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func newAuthList(app *App) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the profiles",
		Example: "  tlxhook auth list",
		Args:    noArgs,
		RunE:    app.run(func(ctx context.Context, _ []string) error { return authList(ctx, app) }),
	}
}

// profileRow is one profile as it is printed.
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
	_, profiles, err := app.profiles()
	if err != nil {
		return err
	}
	rows := profileRows(profiles)
	if len(rows) == 0 && app.printer.IsTable() {
		app.note("no profiles; tlxhook auth login makes one")
		return nil
	}
	return output.List(ctx, app.printer, profileTable(), rows)
}

func profileRows(profiles *config.Profiles) []profileRow {
	rows := []profileRow{}
	for _, p := range profiles.All {
		l := &login{options: tripletex.Options{BaseURL: p.BaseURL}}
		rows = append(rows, profileRow{
			p.Name, p.Name == profiles.Current, environmentName(l), p.BaseURL, p.TokenKind, p.Store, p.CompanyID, p.CompanyName,
		})
	}
	return rows
}

func profileTable() output.Table[profileRow] {
	type r = profileRow
	return output.Table[r]{
		ID: func(v r) string { return v.Profile },
		Columns: []output.Column[r]{
			{Name: "profile", Title: "PROFILE", Text: func(v r) string { return v.Profile }},
			{Name: "current", Title: "CURRENT", Text: func(v r) string {
				if v.Current {
					return "yes"
				}
				return "no"
			}},
			{Name: "environment", Title: "ENVIRONMENT", Text: func(v r) string { return v.Environment }},
			{Name: "companyName", Title: "COMPANY", Text: func(v r) string { return v.CompanyName }, Shrinks: true},
			{Name: "store", Title: "STORE", Text: func(v r) string { return v.Store }},
			{Name: "tokenKind", Title: "TOKENS", Text: func(v r) string { return v.TokenKind }, Detail: true},
			{Name: "baseUrl", Title: "ADDRESS", Text: func(v r) string { return v.BaseURL }, Detail: true},
			{Name: "companyId", Title: "COMPANY ID", Text: func(v r) string { return idText(v.CompanyID) }, Detail: true},
		},
	}
}

// idText returns an id, or nothing for none.
func idText(id int64) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatInt(id, 10)
}
