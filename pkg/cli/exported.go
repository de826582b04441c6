package cli

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/exporter"
	"github.com/tlxhook/tlxhook/pkg/login"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// exportedLogins are what the exporter logs in with: the login of the run, and the profiles for /probe.
type exportedLogins struct {
	app   *App
	own   *login.Login
	used  []*login.Login // those that /metrics needs
	calls *exporter.Calls
}

func (a *App) exportedLogins(ctx context.Context) (*exportedLogins, error) {
	own, err := a.logins().Login(ctx)
	if err != nil {
		return nil, err
	}
	logins := &exportedLogins{a, own, []*login.Login{own}, exporter.NewCalls()}
	if all, err := logins.targets(); err != nil || len(all) == 0 && own.Options.Credentials == nil {
		return nil, cmp.Or[error](err, &tripletex.Error{Kind: tripletex.Unauthorized, Err: tripletex.ErrNoCredentials})
	}
	return logins, nil
}

// ownTarget is the login of the run. It is the same as that of its profile, unless it acts for another company.
func (e *exportedLogins) ownTarget() exporter.Target {
	name, id := e.own.Profile, e.app.settings.Company
	if id != 0 {
		return exporter.Target{Name: name, Company: strings.TrimPrefix(name+"/"+strconv.FormatInt(id, 10), "/")}
	}
	if all, err := e.targets(); err == nil {
		if i := slices.IndexFunc(all, func(t exporter.Target) bool { return t.Name == name }); i >= 0 {
			return all[i]
		}
	}
	return exporter.Target{Name: name, Company: name}
}

// targets lists the profiles, and the sandbox where that is what the exporter was started for.
func (e *exportedLogins) targets() ([]exporter.Target, error) {
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

// login returns what to log in with for a target.
func (e *exportedLogins) login(ctx context.Context, target exporter.Target) (*login.Login, error) {
	if target == e.ownTarget() {
		used := *e.own
		return &used, nil
	}
	return e.app.logins().FromProfile(ctx, target.Name)
}

// open returns a client that counts its requests.
func (e *exportedLogins) open(ctx context.Context, target exporter.Target) (*tripletex.Client, error) {
	used, err := e.login(ctx, target)
	if err != nil {
		return nil, err
	}
	e.calls.Count(target.Company, &used.Options)
	client, err := e.app.logins().Connect(used)
	if err != nil || target == e.ownTarget() {
		return client, err
	}
	return client.ForCompany(0), nil // --company is one of the own login's
}

// ready tells whether there is something to log in with, without asking Tripletex.
func (e *exportedLogins) ready(ctx context.Context) error {
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
