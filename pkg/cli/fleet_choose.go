package cli

import (
	"context"
	"slices"

	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// chosenCompanies are the companies of a run, and those that are lost to it already.
type chosenCompanies struct {
	members []fleet.Member
	failed  []lost
}

func (c chosenCompanies) count() int { return len(c.members) + len(c.failed) }

// choose returns the companies to work in, in the order of the profiles and then of the service. Logins that fail
// are lost; where all of them fail, that is an error.
func (f *fleetFlags) choose(ctx context.Context, app *App) (chosenCompanies, error) {
	var all chosenCompanies
	if err := f.check(app); err != nil {
		return all, err
	}
	logins, err := f.logins(ctx, app)
	if err != nil {
		return all, err
	}
	if !f.companies {
		all.members = logins
		return f.onlyThose(app, all)
	}
	for r := range fleet.Run(ctx, logins, fleet.Options{Parallel: f.parallel}, fleet.Clients) {
		if r.Err != nil {
			all.failed = append(all.failed, lost{r.Member, r.Err})
		}
		all.members = append(all.members, r.Value...)
	}
	if len(all.failed) == len(logins) {
		return all, all.failed[0].err
	}
	if len(all.members)+len(all.failed) == 0 {
		return all, notFoundFailure("the login reaches no client companies").
			withHint("without --all-companies it works in its own company; see tlxhook company list")
	}
	if f.narrow != nil {
		if all.members, err = f.narrow(all); err != nil {
			return all, err
		}
	}
	return f.onlyThose(app, all)
}

// onlyThose leaves the members where the last run failed, if only those are wanted.
func (f *fleetFlags) onlyThose(app *App, all chosenCompanies) (chosenCompanies, error) {
	if !f.onlyFailed {
		return all, nil
	}
	before, err := app.failedBefore(f.command())
	if err != nil {
		return all, err
	}
	all.members = slices.DeleteFunc(all.members, func(m fleet.Member) bool { return !before.has(m) })
	if len(all.members)+len(all.failed) == 0 {
		return all, notFoundFailure("nothing has failed in the last run of %s over many companies", f.command())
	}
	return all, nil
}

// logins returns a member for every login, in its own company or the one of the run.
func (f *fleetFlags) logins(ctx context.Context, app *App) ([]fleet.Member, error) {
	names := f.profiles
	if f.allProfiles {
		_, profiles, err := app.profiles()
		if err != nil {
			return nil, err
		}
		for _, p := range profiles.All {
			names = append(names, p.Name)
		}
		if len(names) == 0 {
			return nil, notFoundFailure("there are no profiles").withHint("tlxhook auth login makes one")
		}
	}
	if len(names) == 0 {
		m, err := app.ownMember(ctx)
		return []fleet.Member{m}, err
	}
	var logins []fleet.Member
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		m, err := app.member(ctx, name)
		if err != nil {
			return nil, err
		}
		logins = append(logins, m)
	}
	return logins, nil
}

// ownMember returns the member that a run works as, unless it chooses others.
func (a *App) ownMember(ctx context.Context) (fleet.Member, error) {
	l, err := a.login(ctx)
	if err != nil {
		return fleet.Member{}, err
	}
	if l.source == "" { // said before anything is asked, as events can be asked for without a login
		return fleet.Member{}, &tripletex.Error{Kind: tripletex.Unauthorized, Err: tripletex.ErrNoCredentials}
	}
	client, err := a.connect(l)
	m := fleet.Member{Profile: l.profile, CompanyID: a.settings.Company, Client: client}
	if m.CompanyID == 0 {
		m.Company = a.companyName(l.profile)
	}
	return m, err
}

// companyName returns the name of the own company of a profile, or "" where it is not known.
func (a *App) companyName(profile string) string {
	if _, profiles, err := a.profiles(); err == nil {
		if p := profiles.Find(profile); p != nil {
			return p.CompanyName
		}
	}
	return ""
}

// where says in which company something is to be done, for a question.
func where(m fleet.Member) string {
	switch label := companyOf(m).Label(); {
	case label == "":
		return "" // tokens of the environment do not tell
	case m.Profile != "" && m.Profile != label:
		return " in " + label + ", profile " + m.Profile
	default:
		return " in " + label
	}
}

// member returns the member of a profile: its login in its own company.
func (a *App) member(ctx context.Context, profile string) (fleet.Member, error) {
	l, err := a.profileLogin(ctx, profile)
	if err != nil {
		return fleet.Member{}, err
	}
	client, err := a.connect(l)
	if err != nil {
		return fleet.Member{}, err
	}
	return fleet.Member{Profile: profile, Company: a.companyName(profile), Client: client.ForCompany(0)}, nil
}
