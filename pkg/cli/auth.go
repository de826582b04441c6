package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/login"
)

func newAuth(app *App) *cobra.Command {
	return group("auth", "Log in, and see who is logged in", nil,
		newAuthLogin(app), newAuthLogout(app), newAuthStatus(app), newAuthList(app), newAuthSwitch(app))
}

// authStatus is who is logged in, and how.
type authStatus struct {
	Profile        string `json:"profile" table:"PROFILE"`
	Environment    string `json:"environment" table:"ENVIRONMENT"`
	BaseURL        string `json:"baseUrl" table:"ADDRESS"`
	TokenKind      string `json:"tokenKind" table:"TOKENS"`
	Source         string `json:"source" table:"FROM"`
	CompanyID      int64  `json:"companyId" table:"COMPANY,omitzero"`
	CompanyName    string `json:"companyName" table:"NAME"`
	EmployeeID     int64  `json:"employeeId" table:"EMPLOYEE,omitzero"`
	SessionExpires string `json:"sessionExpires" table:"SESSION UNTIL"`
}

// prove asks the service who the login is.
func (a *App) prove(ctx context.Context, l *login.Login) (authStatus, error) {
	client, err := a.logins().Connect(l)
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
		Profile: l.Profile, Environment: l.Environment(), BaseURL: client.BaseURL(), TokenKind: l.TokenKind, Source: l.Source,
		CompanyID: who.CompanyID, CompanyName: who.Company.Name, EmployeeID: who.EmployeeID,
	}
	if !session.Expires.IsZero() {
		status.SessionExpires = session.Expires.UTC().Format(time.RFC3339)
	}
	return status, nil
}
