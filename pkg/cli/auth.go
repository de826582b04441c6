package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func newAuth(app *App) *cobra.Command {
	return group("auth", "Log in, and see who is logged in", nil,
		newAuthLogin(app), newAuthLogout(app), newAuthStatus(app), newAuthList(app), newAuthSwitch(app))
}

// authStatus is who is logged in, and how.
type authStatus struct {
	Profile        string `json:"profile"`
	Environment    string `json:"environment"`
	BaseURL        string `json:"baseUrl"`
	TokenKind      string `json:"tokenKind"`
	Source         string `json:"source"`
	CompanyID      int64  `json:"companyId"`
	CompanyName    string `json:"companyName"`
	EmployeeID     int64  `json:"employeeId"`
	SessionExpires string `json:"sessionExpires"`
}

func authStatusTable() output.Table[authStatus] {
	type s = authStatus
	return output.Table[s]{
		ID: func(v s) string { return v.Profile },
		Columns: []output.Column[s]{
			{Name: "profile", Title: "PROFILE", Text: func(v s) string { return v.Profile }},
			{Name: "environment", Title: "ENVIRONMENT", Text: func(v s) string { return v.Environment }},
			{Name: "baseUrl", Title: "ADDRESS", Text: func(v s) string { return v.BaseURL }},
			{Name: "tokenKind", Title: "TOKENS", Text: func(v s) string { return v.TokenKind }},
			{Name: "source", Title: "FROM", Text: func(v s) string { return v.Source }},
			{Name: "companyId", Title: "COMPANY", Text: func(v s) string { return idText(v.CompanyID) }},
			{Name: "companyName", Title: "NAME", Text: func(v s) string { return v.CompanyName }},
			{Name: "employeeId", Title: "EMPLOYEE", Text: func(v s) string { return idText(v.EmployeeID) }},
			{Name: "sessionExpires", Title: "SESSION UNTIL", Text: func(v s) string { return v.SessionExpires }},
		},
	}
}

// environmentName returns the name of an environment by its address.
func environmentName(l *login) string {
	switch l.options.BaseURL {
	case tripletex.Production:
		return "production"
	case tripletex.Test:
		return "test"
	}
	if l.profile == config.SandboxProfile {
		return "sandbox"
	}
	return "custom"
}

// prove asks the service who the login is.
func (a *App) prove(ctx context.Context, l *login) (authStatus, error) {
	client, err := a.connect(l)
	if err != nil {
		return authStatus{}, err
	}
	who, err := client.ForCompany(0).WhoAmI(ctx)
	if err != nil {
		return authStatus{}, err
	}
	session, err := client.Session(ctx)
	if err != nil {
		return authStatus{}, err
	}
	status := authStatus{
		Profile: l.profile, Environment: environmentName(l), BaseURL: client.BaseURL(), TokenKind: l.tokenKind, Source: l.source,
		CompanyID: who.CompanyID, CompanyName: who.Company.Name, EmployeeID: who.EmployeeID,
	}
	if !session.Expires.IsZero() {
		status.SessionExpires = session.Expires.UTC().Format(time.RFC3339)
	}
	return status, nil
}
