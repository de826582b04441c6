package login

import (
	"context"
	"errors"
	"slices"

	"github.com/tlxhook/tlxhook/pkg/fleet"
)

// Scope selects the accounts of a run. The zero value is the account of the run itself.
type Scope struct {
	// AllCompanies replaces each login by its client companies.
	AllCompanies bool
	// Profiles names the logins; AllProfiles selects every stored profile.
	Profiles    []string
	AllProfiles bool
	// Parallel is the number of logins whose companies are listed in parallel; 0 for the default.
	Parallel int
}

// Many reports whether the scope selects other accounts than that of the run.
func (s Scope) Many() bool { return s.AllCompanies || s.AllProfiles || len(s.Profiles) > 0 }

// SeveralLogins reports whether the scope may select more than one login.
func (s Scope) SeveralLogins() bool { return s.AllProfiles || len(s.Profiles) > 1 }

// ErrNoProfiles reports that all profiles were selected and none is stored.
var ErrNoProfiles = errors.New("no profiles found")

// Accounts returns the accounts of a scope, ordered by profile and then as listed by the service. Failed contains the
// logins whose companies could not be listed; if all fail, the first error is returned.
func (r *Resolver) Accounts(ctx context.Context, s Scope) (accounts []fleet.Account, failed []fleet.Failure, err error) {
	logins, err := r.Logins(ctx, s)
	if err != nil || !s.AllCompanies {
		return logins, nil, err
	}
	for result := range fleet.Run(ctx, logins, fleet.Options{Parallel: s.Parallel}, fleet.Clients) {
		if result.Err != nil {
			failed = append(failed, fleet.Failure{Account: result.Account, Err: result.Err})
		}
		accounts = append(accounts, result.Value...)
	}
	switch {
	case len(failed) == len(logins):
		return nil, nil, failed[0].Err
	case len(accounts)+len(failed) == 0:
		return nil, nil, fleet.ErrNoCompanies
	}
	return accounts, failed, nil
}

// Logins returns the account of each login of a scope, in its own company or that of the run.
func (r *Resolver) Logins(ctx context.Context, s Scope) ([]fleet.Account, error) {
	names := slices.Clone(s.Profiles)
	if s.AllProfiles {
		_, profiles, err := r.Profiles()
		if err != nil {
			return nil, err
		}
		for _, p := range profiles.All {
			names = append(names, p.Name)
		}
		if len(names) == 0 {
			return nil, ErrNoProfiles
		}
	}
	if len(names) == 0 {
		own, err := r.Own(ctx)
		return []fleet.Account{own}, err
	}
	slices.Sort(names)
	var logins []fleet.Account
	for _, name := range slices.Compact(names) {
		account, err := r.ofProfile(ctx, name)
		if err != nil {
			return nil, err
		}
		logins = append(logins, account)
	}
	return logins, nil
}
