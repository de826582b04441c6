package sandbox

import (
	"fmt"
	"slices"
)

// company is a client company.
type company struct {
	ID                 int64  `json:"id"`
	Name               string `json:"name"`
	OrganizationNumber string `json:"organizationNumber"`
}

// firstCompanyID is the id of the first client company.
const firstCompanyID = 2001

func newCompany(n int) company {
	names := []string{"Fjellheim Bygg AS", "Kystfisk AS", "Nordlys Kafé ANS"}
	name := fmt.Sprintf("Kunde %d AS", n+1)
	if n < len(names) {
		name = names[n]
	}
	return company{ID: firstCompanyID + int64(n), Name: name, OrganizationNumber: fmt.Sprintf("9%08d", 10000000+n)}
}

func (s *State) company(id int64) *company {
	i := slices.IndexFunc(s.Companies, func(c company) bool { return c.ID == id })
	if i < 0 {
		return nil
	}
	return &s.Companies[i]
}

func listCompanies(state *State, r *request) *reply {
	return list(r, len(state.Companies), func(i int) object {
		c := state.Companies[i]
		return object{
			{"id", c.ID},
			{"version", 0},
			{"url", fmt.Sprintf("%s%s/company/%d", r.Host, basePath, c.ID)},
			{"name", c.Name},
			{"displayName", fmt.Sprintf("%s (%d)", c.Name, c.ID)},
			{"startDate", "2020-01-01"},
			{"endDate", nil},
			{"organizationNumber", c.OrganizationNumber},
			{"email", "post@example.no"},
			{"type", "AS"},
		}
	}, "ClientDTO", false)
}
