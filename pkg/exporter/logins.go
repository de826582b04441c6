package exporter

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/login"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Logins are the logins of an exporter: the login of the run for /metrics, and the stored profiles for /probe. Their
// clients count their requests.
type Logins struct {
	// Calls are the metrics of the requests.
	Calls *Calls

	resolver *login.Resolver
	own      *login.Login
	used     []*login.Login // the logins of /metrics
}

// NewLogins returns the logins of a run. It returns an error without tokens and profiles.
func NewLogins(ctx context.Context, r *login.Resolver) (*Logins, error) {
	own, err := r.Login(ctx)
	if err != nil {
		return nil, err
	}
	l := &Logins{Calls: NewCalls(), resolver: r, own: own, used: []*login.Login{own}}
	if all, err := l.targets(); err != nil || len(all) == 0 && own.Options.Credentials == nil {
		return nil, cmp.Or[error](err, &tripletex.Error{Kind: tripletex.Unauthorized, Err: tripletex.ErrNoCredentials})
	}
	return l, nil
}

// Options returns the part of the options that depends on the logins.
func (l *Logins) Options() Options {
	return Options{Own: l.ownTarget(), Targets: l.targets, Open: l.open, Ready: l.ready}
}

// Watch returns a watch of the companies in a scope, each polled once per interval; nil without a scope.
func (l *Logins) Watch(ctx context.Context, scope login.Scope, interval, pace time.Duration) (*health.Watch, error) {
	if !scope.Many() {
		return nil, nil
	}
	w := &health.Watch{Many: true, Interval: max(interval, time.Second), Pace: pace, Parallel: scope.Parallel}
	if scope.AllCompanies {
		w.Companies = fleet.Clients
	}
	before := l.resolver.Used
	defer func() { l.resolver.Used = before }()
	l.used = nil
	l.resolver.Used = func(used *login.Login) {
		before(used)
		name := used.Profile
		if len(scope.Profiles) == 0 && !scope.AllProfiles {
			name = l.ownTarget().Company
		}
		l.Calls.Count(name, &used.Options)
		l.used = append(l.used, used)
	}
	var err error
	w.Logins, err = l.resolver.Logins(ctx, scope)
	return w, err
}

// ownTarget returns the login of the run: the target of its profile, unless it acts for another company.
func (l *Logins) ownTarget() Target {
	own := fleet.Company{Profile: l.own.Profile, CompanyID: l.resolver.Settings.Company}
	if all, err := l.targets(); err == nil && own.CompanyID == 0 {
		if i := slices.IndexFunc(all, func(t Target) bool { return t.Name == own.Profile }); i >= 0 {
			return all[i]
		}
	}
	return Target{Name: own.Profile, Company: own.Path()}
}

// targets returns the profiles, and the sandbox if the exporter was started for it.
func (l *Logins) targets() ([]Target, error) {
	_, profiles, err := l.resolver.Profiles()
	if err != nil {
		return nil, err
	}
	all := make([]Target, 0, len(profiles.All)+1)
	for _, p := range profiles.All {
		all = append(all, Target{Name: p.Name, Company: p.Name, CompanyName: p.CompanyName, BaseURL: p.BaseURL})
	}
	if l.own.Profile == config.SandboxProfile {
		all = append(all, Target{Name: config.SandboxProfile, Company: config.SandboxProfile})
	}
	return all, nil
}

// open returns a client of a target.
func (l *Logins) open(ctx context.Context, target Target) (*tripletex.Client, error) {
	own := target == l.ownTarget()
	used := *l.own
	if !own {
		profile, err := l.resolver.FromProfile(ctx, target.Name)
		if err != nil {
			return nil, err
		}
		used = *profile
	}
	l.Calls.Count(target.Company, &used.Options)
	client, err := l.resolver.Connect(&used)
	if err != nil || own {
		return client, err
	}
	return client.ForCompany(0), nil // --company belongs to the own login
}

// ready returns an error if a login has no tokens, without a request.
func (l *Logins) ready(ctx context.Context) error {
	for _, used := range l.used {
		if used.Options.Credentials == nil {
			return tripletex.ErrNoCredentials
		}
		tokens, err := used.Options.Credentials(ctx)
		if err != nil {
			return err
		}
		if tokens == (tripletex.Credentials{}) {
			return tripletex.ErrNoCredentials
		}
	}
	return nil
}
