package tripletex

import (
	"context"
	"iter"
)

// Company is a client company that the login of an accountant has access to.
type Company struct {
	// ID is the argument of [Client.ForCompany].
	ID                 int64  `json:"id"`
	Name               string `json:"name"`
	DisplayName        string `json:"displayName"`
	OrganizationNumber string `json:"organizationNumber"`
	StartDate          string `json:"startDate"` // YYYY-MM-DD, or empty
	EndDate            string `json:"endDate"`   // YYYY-MM-DD, or empty
	Type               string `json:"type"`
}

// Companies yields the client companies that the login has access to. An error ends the iteration.
//
// GET /company/>withLoginAccess.
func (c *Client) Companies(ctx context.Context) iter.Seq2[Company, error] {
	list := call{operation: "list companies", path: "/company/%3EwithLoginAccess"}
	return pages(ctx, c.ForCompany(0), list, func(company Company) int64 { return company.ID })
}
