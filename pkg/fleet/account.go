package fleet

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// ErrNoCompanies reports that the selected logins have no client companies.
var ErrNoCompanies = errors.New("the login has no client companies")

// Company identifies a company and the login that has access to it. It is comparable.
type Company struct {
	// Profile is the name of the login; empty for tokens of the environment.
	Profile string `json:"profile,omitempty"`
	// CompanyID is 0 for the login's own company.
	CompanyID   int64  `json:"companyId"`
	CompanyName string `json:"companyName"`
}

// Name returns the first of company name, company ID and profile that is set.
func (c Company) Name() string {
	switch {
	case c.CompanyName != "":
		return c.CompanyName
	case c.CompanyID != 0:
		return strconv.FormatInt(c.CompanyID, 10)
	default:
		return c.Profile
	}
}

// Label returns the name and the ID in parentheses, because names are not unique.
func (c Company) Label() string {
	if id := strconv.FormatInt(c.CompanyID, 10); c.CompanyID != 0 && c.CompanyName != "" && c.CompanyName != id {
		return fmt.Sprintf("%s (%s)", c.CompanyName, id)
	}
	return c.Name()
}

// Path returns profile and company ID for machine-readable output, for example acme/2001.
func (c Company) Path() string {
	if c.CompanyID == 0 {
		return c.Profile
	}
	return strings.TrimPrefix(c.Profile+"/"+strconv.FormatInt(c.CompanyID, 10), "/")
}

// Named returns the company with its Name as CompanyName, for results.
func (c Company) Named() Company {
	c.CompanyName = c.Name()
	return c
}

// Account is a company and a client that acts for it.
type Account struct {
	Company
	Client *tripletex.Client
}

// Clients returns an account for every client company of a login, in the order of the service.
func Clients(ctx context.Context, login Account) ([]Account, error) {
	var all []Account
	for c, err := range login.Client.Companies(ctx) {
		if err != nil {
			return nil, err
		}
		all = append(all, Account{Company{login.Profile, c.ID, c.Name}, login.Client.ForCompany(c.ID)})
	}
	return all, nil
}
