package cli

import (
	"context"
	"time"

	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/output"
)

// checked is what one of many companies has to say.
type checked struct {
	part   health.Part
	sample health.Sample
}

// askAll makes one report of all the companies of the run. One that cannot be asked has a report that says so.
func (o *checkOptions) askAll(ctx context.Context, app *App, d *health.Document) error {
	start := time.Now()
	all, err := o.fleet.selectAccounts(ctx, app)
	if err != nil {
		return err
	}
	d.Many, d.Flags.Companies = true, o.fleet.again()
	var parts []health.Part
	keep := func(c checked) { parts, d.Samples = append(parts, c.part), append(d.Samples, c.sample) }
	for _, l := range all.failed {
		keep(o.notAsked(ctx, app, l.Account, l.Err, 0))
	}
	look := func(ctx context.Context, m fleet.Account) (checked, error) {
		return o.askOne(ctx, app, d.Output.Format, m), nil
	}
	chosen := selectedAccounts{members: all.members}
	notBegun, err := inSelected(ctx, app, &o.fleet, chosen, look, func(_ fleet.Account, c checked) error {
		if c.part.Report != nil { // it was begun
			keep(c)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, l := range notBegun {
		keep(o.notAsked(ctx, app, l.Account, l.Err, 0))
	}
	d.Report = health.Merge(parts, o.rules, time.Since(start))
	if o.wanted != nil {
		d.Flags.Manifest = o.against.repeated()
	}
	return nil
}

// askOne makes the report of one company.
func (o *checkOptions) askOne(ctx context.Context, app *App, format output.Format, m fleet.Account) checked {
	start := time.Now()
	in, err := o.input(ctx, format, m, start)
	if err != nil {
		return o.notAsked(ctx, app, m, err, time.Since(start))
	}
	c := checked{part: health.Part{Company: health.CompanyState{Company: m.Named()}, Report: health.Check(in)}}
	c.sample = health.Sample{Report: c.part.Report, Company: m.Path(), LastSuccess: time.Now()}
	c.sample.RateLimit, _ = m.Client.RateLimit()
	return c
}

func (o *checkOptions) notAsked(ctx context.Context, app *App, m fleet.Account, err error, took time.Duration) checked {
	f := app.describe(err)
	report := health.Unreachable(app.problem(app.timedOut(ctx, f)), o.stateOf(f), took)
	return checked{
		part:   health.Part{Company: health.CompanyState{Company: m.Named()}, Report: report},
		sample: health.Sample{Report: report, Company: m.Path(), Reason: health.ReasonOf(err)},
	}
}
