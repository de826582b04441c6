package cli

import (
	"slices"

	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/manifest"
)

// narrowTo limits a run to the companies that a manifest applies to.
func (f *fleetFlags) narrowTo(m *manifest.Manifest) error {
	if err := f.requireCompanies(m); err != nil || f.narrow == nil {
		return err
	}
	required := f.narrow
	f.narrow = func(all selectedAccounts) ([]fleet.Account, error) {
		members, err := required(all)
		return slices.DeleteFunc(members, func(member fleet.Account) bool { _, ok := m.For(manifestCompany(member)); return !ok }), err
	}
	return nil
}

// requireCompanies makes a run fail if the login does not reach each company that the manifest names.
func (f *fleetFlags) requireCompanies(m *manifest.Manifest) error {
	if !m.NamesCompanies() {
		return nil
	}
	if !f.AllCompanies {
		return usageFailure("the manifest says which companies it is for").withHint("--all-companies works in those")
	}
	f.narrow = func(all selectedAccounts) ([]fleet.Account, error) {
		if len(all.failed) > 0 { // a missing company may belong to a failed login
			return all.members, nil
		}
		var reached []manifest.Company
		for _, member := range all.members {
			reached = append(reached, manifestCompany(member))
		}
		return all.members, m.CheckCompanies(reached)
	}
	return nil
}

func manifestCompany(m fleet.Account) manifest.Company {
	return manifest.Company{ID: m.CompanyID, Name: m.CompanyName}
}
