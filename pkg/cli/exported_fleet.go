package cli

import (
	"context"
	"slices"
	"time"

	"github.com/tlxhook/tlxhook/pkg/exporter"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/health"
)

// follow says which companies the exporter follows; nil where it is only asked for one login.
func (o *exporterOptions) follow(ctx context.Context, logins *exportedLogins) (*health.Watch, error) {
	if err := o.fleet.check(logins.app); err != nil || !o.fleet.Many() {
		return nil, err
	}
	w := &health.Watch{Many: true, Interval: max(o.keep, time.Second), Pace: o.pace, Parallel: o.fleet.Parallel}
	if o.fleet.AllCompanies {
		w.Companies = fleet.Clients
	}
	targets, err := logins.chosen(&o.fleet)
	if err != nil {
		return nil, err
	}
	logins.used = nil
	for _, t := range targets {
		l, err := logins.login(ctx, t)
		if err != nil {
			return nil, err
		}
		logins.used = append(logins.used, l)
		client, err := logins.open(ctx, t)
		if err != nil {
			return nil, err
		}
		w.Logins = append(w.Logins, fleet.Account{Company: fleet.Company{Profile: t.Name, CompanyID: client.Company(), CompanyName: t.CompanyName}, Client: client})
	}
	return w, nil
}

// chosen returns the logins that flags choose, by their profiles.
func (e *exportedLogins) chosen(f *fleetFlags) ([]exporter.Target, error) {
	all, err := e.targets()
	if err != nil || f.AllProfiles {
		return all, err
	}
	if len(f.Profiles) == 0 {
		return []exporter.Target{e.ownTarget()}, nil
	}
	var chosen []exporter.Target
	for _, name := range slices.Compact(slices.Sorted(slices.Values(f.Profiles))) {
		i := slices.IndexFunc(all, func(t exporter.Target) bool { return t.Name == name })
		if i < 0 { // the sandbox is none of the profiles, and of what is none at all that is said later
			chosen = append(chosen, exporter.Target{Name: name, Company: name})
			continue
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}
