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
	return list(r, len(state.Companies), func(i int) object { return state.Companies[i].shown(r.Host) }, "Client", false)
}

// shown returns the company as in responses, with every field of the specification.
func (c company) shown(host string) object {
	return object{
		{"id", c.ID},
		{"version", 0},
		{"url", address("Company", host, c.ID)},
		{"name", c.Name},
		{"displayName", fmt.Sprintf("%s (%d)", c.Name, c.ID)},
		{"startDate", "2020-01-01"},
		{"endDate", nil},
		{"organizationNumber", c.OrganizationNumber},
		{"email", "post@example.no"},
		{"phoneNumber", "22 22 22 22"},
		{"phoneNumberMobile", nil},
		{"faxNumber", nil},
		{"address", linked("Address", host, c.ID, object{
			{"addressLine1", "Storgata 1"},
			{"postalCode", "0155"},
			{"city", "Oslo"},
			{"country", linked("Country", host, 161, object{{"name", "Norge"}, {"isoAlpha2Code", "NO"}})},
		})},
		{"type", "AS"},
		{"currency", linked("Currency", host, 1, object{{"code", "NOK"}, {"description", "Norske kroner"}, {"factor", 1}})},
		{"accountantOrSimilar", false},
		{"companyMigration", "NONE"},
		{"invoiceShowDeliveryDate", false},
		{"customerCompanyId", nil},
	}
}

// linked returns another object as a reference.
func linked(model, host string, id int64, fields object) reference {
	short := object{{"id", id}, {"url", address(model, host, id)}}
	return reference{short: short, whole: func() object {
		return append(object{short[0], {"version", 0}, short[1]}, fields...)
	}}
}
