package login

import (
	"context"
	"time"
)

// Status is a verified login as commands print it.
type Status struct {
	Profile        string `json:"profile" table:"PROFILE"`
	Environment    string `json:"environment" table:"ENVIRONMENT"`
	BaseURL        string `json:"baseUrl" table:"ADDRESS"`
	TokenKind      string `json:"tokenKind" table:"TOKENS"`
	Source         string `json:"source" table:"FROM"`
	CompanyID      int64  `json:"companyId" table:"COMPANY,omitzero"`
	CompanyName    string `json:"companyName" table:"NAME"`
	EmployeeID     int64  `json:"employeeId" table:"EMPLOYEE,omitzero"`
	SessionExpires string `json:"sessionExpires" table:"SESSION UNTIL"` // RFC 3339; empty if unknown
}

// Verify verifies a login with a request and returns its employee and company.
func (r *Resolver) Verify(ctx context.Context, l *Login) (Status, error) {
	client, err := r.Connect(l)
	if err != nil {
		return Status{}, err
	}
	who, err := client.ForCompany(0).WhoAmI(ctx)
	if err != nil {
		return Status{}, err
	}
	session, err := client.Session(ctx)
	if err != nil {
		return Status{}, err
	}
	status := Status{
		Profile: l.Profile, Environment: l.Environment(), BaseURL: client.BaseURL(), TokenKind: l.TokenKind, Source: l.Source,
		CompanyID: who.CompanyID, CompanyName: who.Company.Name, EmployeeID: who.EmployeeID,
	}
	if !session.Expires.IsZero() {
		status.SessionExpires = session.Expires.UTC().Format(time.RFC3339)
	}
	return status, nil
}
