package fleet

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// ErrNoCompanies reports that the selected logins reach no client companies.
var ErrNoCompanies = errors.New("the login reaches no client companies")

// Company identifies a company together with the login that reaches it. It is comparable.
type Company struct {
	// Profile is the name of the login; empty for tokens of the environment.
	Profile string `json:"profile,omitempty"`
	// CompanyID is 0 for the login's own company.
	CompanyID   int64  `json:"companyId"`
	CompanyName string `json:"companyName"`
}

// Name returns the name of the company, else its ID, else the profile.
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

// Label returns the name with the ID behind it, as two companies may have one name.
func (c Company) Label() string {
	if id := strconv.FormatInt(c.CompanyID, 10); c.CompanyID != 0 && c.CompanyName != "" && c.CompanyName != id {
		return fmt.Sprintf("%s (%s)", c.CompanyName, id)
	}
	return c.Name()
}

// Path returns the login and the company for programs, such as acme/2001.
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

// Account is a company that a login reaches, with a client that acts for it.
type Account struct {
	Company
	Client *tripletex.Client
}

// Clients returns an account for every client company that a login reaches, in the order of the service.
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
