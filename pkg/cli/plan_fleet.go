package cli

import (
	"context"
	"slices"

	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

const fleetManifestHelp = `
--all-companies works in every client company that the login reaches, or, where
the manifest has "companies:", in those that it names. What fails in one company
hinders no other: it is listed, the exit code is 7, and --only-failed repeats
the command for those alone.`

// companyPlan is the plan for one of many companies.
type companyPlan struct {
	ofCompany
	manifest.Plan

	planned *planned
	member  fleet.Member
}

// companyPlans are the plans of a run over many companies.
type companyPlans struct {
	fleet  *fleetFlags
	plans  []companyPlan
	failed []lost
	all    int // companies
}

// plans makes a plan for each company that the manifest is for.
func (o *planOptions) plans(ctx context.Context, app *App) (*companyPlans, error) {
	m, err := o.read(app)
	if err != nil {
		return nil, err
	}
	if err := o.fleet.meant(m); err != nil {
		return nil, err
	}
	policy, err := o.policyFor(ctx, app, m)
	if err != nil {
		return nil, err
	}
	all, err := o.fleet.choose(ctx, app)
	if err != nil {
		return nil, err
	}
	plans, events := &companyPlans{fleet: &o.fleet, all: all.count()}, &knownEvents{}
	plans.failed, err = inChosen(ctx, app, &o.fleet, all, func(ctx context.Context, member fleet.Member) (*planned, error) {
		p := &planned{client: member.Client, policy: policy}
		return p, p.planIn(ctx, app, member, m, events)
	}, func(member fleet.Member, p *planned) error {
		if p != nil && p.want != nil {
			plans.plans = append(plans.plans, companyPlan{of(member), p.Plan, p, member})
		}
		return nil
	})
	plans.plans = slices.DeleteFunc(plans.plans, func(c companyPlan) bool { return plans.lost(c.member) })
	return plans, err
}

func (c *companyPlans) lost(m fleet.Member) bool {
	return slices.ContainsFunc(c.failed, func(l lost) bool { return l.member == m })
}

// planIn makes the plan for one company.
func (p *planned) planIn(ctx context.Context, app *App, member fleet.Member, m *manifest.Manifest, events *knownEvents) (err error) {
	if p.sent, err = app.sentBy(member); err != nil {
		return err
	}
	if p.policy.Fingerprints, err = p.sent.read(); err != nil {
		return err
	}
	own, _ := forMember(m, member)
	var known []tripletex.Event
	if p.want, known, err = events.expand(ctx, member.Client, own); err != nil {
		return err
	}
	return p.compare(ctx, known)
}

func (c *companyPlans) each() []manifest.Plan {
	all := make([]manifest.Plan, len(c.plans))
	for i, p := range c.plans {
		all[i] = p.Plan
	}
	return all
}

// show prints the plans, and returns exit code 1 where there is something to do, or 7 where some could not be made.
func (c *companyPlans) show(ctx context.Context, app *App) error {
	if len(c.plans) > 0 {
		if err := c.print(context.WithoutCancel(ctx), app); err != nil {
			return err
		}
	}
	if err := c.fleet.end(app, c.failed, c.all, len(c.plans) == 0); err != nil {
		return err
	}
	sum, changing := manifest.Sum(c.each())
	if changing == 0 {
		app.note("nothing to do in %s", companies(c.all))
		return nil
	}
	return failf(codeDifferences, "there are differences in %d of %s: %s", changing, companies(c.all), sum.Summary())
}

func diffCompanies(ctx context.Context, app *App, o *diffOptions) error {
	if o.out != "" {
		return usageFailure("--out keeps the plan of one company").withHint("name it with --company")
	}
	plans, err := o.plans(ctx, app)
	if err != nil {
		return err
	}
	return plans.show(ctx, app)
}
