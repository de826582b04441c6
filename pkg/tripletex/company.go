package tripletex

import (
	"context"
	"iter"
)

// Company is a client company that an accountant's login reaches.
type Company struct {
	// ID is what [Client.ForCompany] takes.
	ID                 int64  `json:"id"`
	Name               string `json:"name"`
	DisplayName        string `json:"displayName"`
	OrganizationNumber string `json:"organizationNumber"`
	StartDate          string `json:"startDate"`
	EndDate            string `json:"endDate"`
	Type               string `json:"type"`
}

// Companies yields the client companies that the login reaches.
//
// GET /company/>withLoginAccess.
func (c *Client) Companies(ctx context.Context) iter.Seq2[Company, error] {
	list := call{operation: "list companies", path: "/company/%3EwithLoginAccess"}
	return pages(ctx, c.ForCompany(0), list, func(company Company) int64 { return company.ID })
}
