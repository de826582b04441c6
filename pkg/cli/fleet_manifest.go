package cli

import (
	"slices"

	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/manifest"
)

// meant narrows a run to the companies that a manifest is for.
func (f *fleetFlags) meant(m *manifest.Manifest) error {
	if err := f.compared(m); err != nil {
		return err
	}
	there := f.narrow
	f.narrow = func(all chosenCompanies) ([]fleet.Member, error) {
		if there == nil {
			return all.members, nil
		}
		members, err := there(all)
		return slices.DeleteFunc(members, func(member fleet.Member) bool { _, ok := forMember(m, member); return !ok }), err
	}
	return nil
}

// compared has a run refuse a manifest that names companies which are not there.
func (f *fleetFlags) compared(m *manifest.Manifest) error {
	if !m.NamesCompanies() {
		return nil
	}
	if !f.companies {
		return usageFailure("the manifest says which companies it is for").withHint("--all-companies works in those")
	}
	f.narrow = func(all chosenCompanies) ([]fleet.Member, error) {
		var there []manifest.Company
		for _, member := range all.members {
			there = append(there, manifest.Company{ID: member.CompanyID, Name: member.Company})
		}
		if len(all.failed) > 0 { // one that is missing may belong to a login that has failed
			return all.members, nil
		}
		return all.members, m.CheckCompanies(there)
	}
	return nil
}

func forMember(m *manifest.Manifest, member fleet.Member) (*manifest.Manifest, bool) {
	return m.For(manifest.Company{ID: member.CompanyID, Name: member.Company})
}
