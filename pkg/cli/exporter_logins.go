package cli

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/exporter"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/login"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// exporterLogins are the logins of exporter: that of the run, and the profiles for /probe.
type exporterLogins struct {
	app   *App
	own   *login.Login
	used  []*login.Login // those that /metrics needs
	calls *exporter.Calls
}

func newExporterLogins(ctx context.Context, app *App) (*exporterLogins, error) {
	own, err := app.logins().Login(ctx)
	if err != nil {
		return nil, err
	}
	e := &exporterLogins{app, own, []*login.Login{own}, exporter.NewCalls()}
	if all, err := e.targets(); err != nil || len(all) == 0 && own.Options.Credentials == nil {
		return nil, cmp.Or[error](err, &tripletex.Error{Kind: tripletex.Unauthorized, Err: tripletex.ErrNoCredentials})
	}
	return e, nil
}

// ownTarget returns the login of the run: the target of its profile, unless it acts for another company.
func (e *exporterLogins) ownTarget() exporter.Target {
	own := fleet.Company{Profile: e.own.Profile, CompanyID: e.app.settings.Company}
	if all, err := e.targets(); err == nil && own.CompanyID == 0 {
		if i := slices.IndexFunc(all, func(t exporter.Target) bool { return t.Name == own.Profile }); i >= 0 {
			return all[i]
		}
	}
	return exporter.Target{Name: own.Profile, Company: own.Path()}
}

// targets returns the profiles, and the sandbox if the exporter was started for it.
func (e *exporterLogins) targets() ([]exporter.Target, error) {
	_, profiles, err := e.app.logins().Profiles()
	if err != nil {
		return nil, err
	}
	all := make([]exporter.Target, 0, len(profiles.All)+1)
	for _, p := range profiles.All {
		all = append(all, exporter.Target{Name: p.Name, Company: p.Name, CompanyName: p.CompanyName, BaseURL: p.BaseURL})
	}
	if e.own.Profile == config.SandboxProfile {
		all = append(all, exporter.Target{Name: config.SandboxProfile, Company: config.SandboxProfile})
	}
	return all, nil
}

// open returns a client of a target that counts its requests.
func (e *exporterLogins) open(ctx context.Context, target exporter.Target) (*tripletex.Client, error) {
	own := target == e.ownTarget()
	used := *e.own
	if !own {
		l, err := e.app.logins().FromProfile(ctx, target.Name)
		if err != nil {
			return nil, err
		}
		used = *l
	}
	e.calls.Count(target.Company, &used.Options)
	client, err := e.app.logins().Connect(&used)
	if err != nil || own {
		return client, err
	}
	return client.ForCompany(0), nil // --company belongs to the own login
}

// follow returns the companies to follow, with clients that count their requests; nil for the login of the run alone.
func (e *exporterLogins) follow(ctx context.Context, o *exporterOptions) (*health.Watch, error) {
	if err := o.fleet.check(e.app.settings); err != nil || !o.fleet.Many() {
		return nil, err
	}
	w := &health.Watch{Many: true, Interval: max(o.keep, time.Second), Pace: o.pace, Parallel: o.fleet.Parallel}
	if o.fleet.AllCompanies {
		w.Companies = fleet.Clients
	}
	logins := e.app.logins()
	before := logins.Used
	defer func() { logins.Used = before }()
	e.used = nil
	logins.Used = func(l *login.Login) {
		before(l)
		name := l.Profile
		if len(o.fleet.Profiles) == 0 && !o.fleet.AllProfiles {
			name = e.ownTarget().Company
		}
		e.calls.Count(name, &l.Options)
		e.used = append(e.used, l)
	}
	var err error
	w.Logins, err = logins.Logins(ctx, o.fleet.Scope)
	return w, err
}

// ready returns an error if there is no login, without a request.
func (e *exporterLogins) ready(ctx context.Context) error {
	for _, l := range e.used {
		if l.Options.Credentials == nil {
			return tripletex.ErrNoCredentials
		}
		tokens, err := l.Options.Credentials(ctx)
		if err != nil {
			return err
		}
		if tokens == (tripletex.Credentials{}) {
			return tripletex.ErrNoCredentials
		}
	}
	return nil
}
