package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/backfill"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func runBackfill(ctx context.Context, app *App, o *backfillOptions, args []string) error {
	ctx, cancel := app.limited(ctx)
	defer cancel()
	to, err := o.read(ctx, app, args)
	if err != nil {
		return err
	}
	companies, err := o.fleet.choose(ctx, app)
	if err != nil {
		return err
	}
	j, alone, err := app.journalForBackfill(o.journal, to != nil)
	if err != nil {
		return err
	}
	b := &backfilling{app: app, options: o, journal: j}
	err = b.run(ctx, companies)
	if err == nil || !errors.Is(err, context.Canceled) {
		err = firstFailure(b.forward(ctx, to, alone), err)
	}
	if closeErr := j.Close(); err == nil && closeErr != nil {
		err = localFailure("close the journal", closeErr)
	}
	return err
}

// firstFailure returns the error of the later step where the one before had none.
func firstFailure(later, before error) error {
	if before != nil {
		return before
	}
	return later
}

// minFree is the free space in bytes that is left on the disk.
const minFree = 256 << 20

// journalForBackfill opens the journal, alone where deliveries are forwarded from it. Alone is false where another
// program has it: that one forwards.
func (a *App) journalForBackfill(named string, forwards bool) (j *journal.Journal, alone bool, err error) {
	folder, err := a.journalFolder(named)
	if err != nil {
		return nil, false, err
	}
	if !forwards {
		if j, err = journal.Attach(folder); !errors.Is(err, journal.ErrAbsent) {
			return j, false, err
		}
	}
	j, err = journal.Open(folder, journal.Options{MinFree: minFree})
	if errors.Is(err, journal.ErrLocked) {
		j, err = journal.Attach(folder)
		return j, false, err
	}
	return j, true, err
}

// backfilling is a run of backfill.
type backfilling struct {
	app      *App
	options  *backfillOptions
	journal  *journal.Journal
	rows     []backfilledRow
	progress func(objects int)
}

// run finds and stores what lacks in every company, and prints what was found.
func (b *backfilling) run(ctx context.Context, companies chosenCompanies) error {
	o, progress := b.options, b.app.terminal.NewProgress(0)
	b.progress = progress.Add
	failed, err := inChosen(ctx, b.app, &o.fleet, companies, b.company, func(m fleet.Member, found []backfilledRow) error {
		for _, row := range found {
			if o.fleet.many() {
				row.maybeOfCompany = maybeOfCompany(of(m))
			}
			b.rows = append(b.rows, row)
		}
		return nil
	})
	progress.End()
	if err == nil {
		err = o.fleet.end(b.app, failed, companies.count(), len(b.rows) == 0)
	}
	if len(b.rows) > 0 {
		if printErr := b.print(context.WithoutCancel(ctx)); printErr != nil {
			return printErr
		}
	}
	if err == nil {
		err = b.verdict()
	}
	return err
}

// company finds and stores what lacks in one company. Kinds that fail hinder no others, unless all would.
func (b *backfilling) company(ctx context.Context, m fleet.Member) ([]backfilledRow, error) {
	r := backfill.Run{
		Client: m.Client, Journal: b.journal, Company: m.CompanyID, Secret: b.options.secret,
		Report: b.options.report, Deletes: b.options.deletes, Seen: b.progress,
	}
	if r.Company == 0 {
		who, err := m.Client.WhoAmI(ctx)
		if err != nil {
			return nil, err
		}
		r.Company = who.CompanyID
	}
	plans, err := b.plans(ctx, m.Client, &r)
	if err != nil {
		return nil, err
	}
	var rows []backfilledRow
	var failures []error
	for _, p := range plans {
		found, err := r.Kind(ctx, p)
		row := backfilledRow{Counts: found}
		if err != nil {
			row.Error = strings.TrimSpace(b.app.describe(err).err.Error())
			if failures = append(failures, err); len(plans) > 1 {
				b.app.note("%s: %s", p.Kind.Name, row.Error)
			}
		}
		rows = append(rows, row)
		if kind := tripletex.KindOf(err); ctx.Err() != nil || err != nil && (kind == "" || kind == tripletex.Unauthorized) {
			break // the journal, the login or the time: no other kind would go better
		}
	}
	switch {
	case len(failures) == 0:
		return rows, nil
	case len(failures) == len(rows) || ctx.Err() != nil:
		return rows, failures[0]
	}
	return rows, failf(codePartial, "%d of %d kinds of objects failed: %w", len(failures), len(plans), failures[0]).
		withHint("run the command again: what is done is done")
}

// plans returns what is to be done in a company, and notes which subscriptions are its own.
func (b *backfilling) plans(ctx context.Context, client *tripletex.Client, r *backfill.Run) ([]backfill.Plan, error) {
	o := b.options
	var chosen []tripletex.Subscription
	for s, err := range client.Subscriptions(ctx, "") {
		if err != nil {
			return nil, err
		}
		r.Subscriptions = append(r.Subscriptions, s.ID)
		if o.filter.Match(s) {
			chosen = append(chosen, s)
		}
	}
	plans := backfill.Plans(chosen)
	if !o.subscriptions {
		plans = nil
		for _, kind := range o.kinds {
			plans = append(plans, backfill.NewPlan(kind, chosen, false))
		}
	}
	if len(plans) == 0 {
		return nil, notFoundFailure("no active subscription to events of objects that can be listed").
			withHint("tlxhook subscription list shows what there is; objects can be named instead")
	}
	for i := range plans {
		o.narrow(&plans[i])
	}
	return plans, nil
}

// narrow sets what the flags say of a list.
func (o *backfillOptions) narrow(p *backfill.Plan) {
	p.List.ChangedSince = o.since
	if !o.from.IsZero() {
		p.List.From = o.from
	}
	if !o.to.IsZero() {
		p.List.To = o.to
	}
	if o.fields != "" {
		p.SetFields(o.fields)
	}
}
