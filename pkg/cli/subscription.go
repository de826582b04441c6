package cli

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/backfill"
	"github.com/tlxhook/tlxhook/pkg/bulk"
	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func newSubscription(app *App) *cobra.Command {
	return group("subscription", "Manage webhook subscriptions", []string{"subscriptions", "sub", "subs"},
		newSubscriptionList(app), newSubscriptionShow(app), newSubscriptionCreate(app), newSubscriptionUpdate(app),
		newSubscriptionEnable(app), newSubscriptionDisable(app), newSubscriptionRotateSecret(app), newSubscriptionDelete(app))
}

// partly marks an error as exit code 7 where some of the work was done before it.
func partly(err error, done, all int) error {
	if err == nil || done == 0 || errors.Is(err, context.Canceled) {
		return err
	}
	f := failf(codePartial, "%d of %d done: %w", done, all, err).
		withHint("the listed changes were made; run the command again for the rest")
	if cause, ok := errors.AsType[*failure](err); ok && cause.hint.format != "" {
		f.hint = cause.hint
	}
	return f
}

// changeOptions are the flags of the commands that change subscriptions.
type changeOptions struct {
	selection selection
	fleet     fleetFlags
	dryRun    bool
	yes       bool
	secrets   secretFlags
}

// bindRun adds the flags that every change has.
func (o *changeOptions) bindRun(cmd *cobra.Command) {
	o.fleet.bind(cmd)
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "print the requests without sending them")
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "skip the confirmation prompt")
}

// send makes one update of the selected subscriptions, after a prompt where one is needed.
func (o *changeOptions) send(ctx context.Context, app *App, update tripletex.SubscriptionUpdate, v verb) error {
	run, found, err := o.choose(ctx, app, v, o.selection.find)
	if err != nil {
		return err
	}
	ctx, cancel := app.limited(ctx)
	defer cancel()
	c := newChange(app, run, v.past, o.dryRun)
	work := func(ctx context.Context, m fleet.Account) (done companyChange, err error) {
		if err := update.Check(m.Client.Targets()); err != nil {
			return done, contentFailure(err)
		}
		subscriptions, err := found(ctx, m)
		if err != nil {
			return done, err
		}
		done.found = len(subscriptions)
		done.warnings = fieldWarnings(update, subscriptions)
		updates, err := update.For(subscriptions)
		if err != nil {
			return done, usageFailure("%w", err).withHint("name the header with --auth-header")
		}
		return done, c.update(ctx, m, updates, &done)
	}
	if o.dryRun {
		return c.do(ctx, work)
	}
	return o.secrets.keeping(app.note, update.HMACSharedSecret, func() error { return c.do(ctx, work) })
}

// fieldWarnings returns the warnings about the fields of an update of subscriptions.
func fieldWarnings(update tripletex.SubscriptionUpdate, of []tripletex.Subscription) []string {
	if update.Fields == nil {
		return nil
	}
	events := make([]string, len(of))
	for i := range of {
		events[i] = of[i].Event
	}
	return match.FieldWarnings(*update.Fields, events...)
}

// companyChange is the work of a command in one company, planned with --dry-run.
type companyChange struct {
	found int // selected subscriptions
	left  int // of them skipped because they are in the wanted state
	done  []tripletex.Subscription
	plan  []bulk.Request
	gaps  []backfill.Gap
	// warnings are about the new fields.
	warnings []string
}

// change is a verb that changes the selected subscriptions of a run. With --dry-run it plans the requests.
type change struct {
	*console

	run      *fleetRun
	lookup   config.Lookup
	settings *config.Settings
	verb     string // past tense

	rows        *subscriptionRows
	plan        []plannedRequest
	gaps        []backfill.Gap
	warnings    []string
	found, left int
}

func newChange(app *App, run *fleetRun, verb string, dryRun bool) *change {
	run.Planning = dryRun
	rows := &subscriptionRows{console: &app.console, many: run.Many}
	return &change{console: &app.console, run: run, lookup: app.lookup, settings: app.settings, verb: verb, rows: rows}
}

// update sends updates, or plans them.
func (c *change) update(ctx context.Context, m fleet.Account, updates []tripletex.SubscriptionUpdate, to *companyChange) error {
	if c.run.Planning {
		to.plan = bulk.UpdateRequests(updates, c.target)
		return nil
	}
	made, done, err := bulk.Update(ctx, m.Client, updates)
	to.done = append(to.done, made...)
	warnNotStored(c.note, fingerprints(c.lookup, c.settings.BaseURL, m).Updated(updates, to.done))
	return partly(err, done, len(updates))
}

// do works in the accounts of the run, prints the changed subscriptions, and notes their number.
func (c *change) do(ctx context.Context, work func(context.Context, fleet.Account) (companyChange, error)) error {
	if err := c.run.Begin(); err != nil {
		return err
	}
	failed, err := inAccounts(ctx, c.run, work, func(m fleet.Account, done companyChange) error { return c.add(ctx, m, done) })
	if err == nil {
		err = c.run.End(failed, c.run.Count(), len(c.rows.all)+len(c.plan)+c.left == 0)
	}
	switch {
	case err != nil && len(c.rows.all)+len(c.plan) == 0:
		return err
	case err == nil && c.found == 0:
		return notFoundFailure("no subscription matches").withHint("list the subscriptions with %s", command{"subscription", "list"})
	}
	if printErr := c.print(ctx); printErr != nil {
		return printErr
	}
	return err
}

// add takes the result of one company.
func (c *change) add(ctx context.Context, m fleet.Account, done companyChange) error {
	c.found, c.left = c.found+done.found, c.left+done.left
	company := maybeOfCompany{}
	if c.run.Many {
		company = maybeOfCompany(m.Named())
	}
	for _, request := range done.plan {
		c.plan = append(c.plan, plannedRequest{company, request})
	}
	c.gaps = append(c.gaps, done.gaps...)
	for _, warning := range done.warnings {
		if !slices.Contains(c.warnings, warning) {
			c.warnings = append(c.warnings, warning)
			c.note("warning: %s", warning)
		}
	}
	return c.rows.add(ctx, m, done.done)
}

func (c *change) print(ctx context.Context) error {
	if c.left > 0 {
		c.note("Skipped %s: already %s", terminal.Count(c.left, "subscription"), c.verb)
	}
	if !c.run.Planning && len(c.rows.all) > 0 {
		c.note("%s%s %s", strings.ToUpper(c.verb[:1]), c.verb[1:], terminal.Count(len(c.rows.all), "subscription"))
	}
	for _, line := range backfill.Lines(c.gaps, backfillCommands(c.given, c.settings, c.gaps), c.run.Many) {
		c.note("%s", line)
	}
	if c.run.Planning {
		return output.List(ctx, c.printer, requestTable(c.run.Many), c.plan)
	}
	return c.rows.show(ctx)
}

// subscriptionRows are subscriptions to print, with the company of each if many is set.
type subscriptionRows struct {
	*console

	many   bool
	all    []companySubscription
	broken int
}

// add appends the subscriptions of a company. Formats without a header are printed at once, without waiting for the last
// company.
func (r *subscriptionRows) add(ctx context.Context, m fleet.Account, found []tripletex.Subscription) error {
	first, company := len(r.all), m.Named()
	r.all = slices.Grow(r.all, len(found)) // a company may have tens of thousands
	for _, s := range found {
		s.TargetURL = r.target(s.TargetURL)
		r.all = append(r.all, companySubscription{company, s})
		if s.Status != tripletex.Active {
			r.broken++
		}
	}
	if !r.many || !r.printer.IsStream() {
		return nil
	}
	return output.List(ctx, r.printer, companySubscriptionTable(), r.all[first:])
}

// show prints the rows that add has not printed.
func (r *subscriptionRows) show(ctx context.Context) error {
	if !r.many {
		return output.List(ctx, r.printer, subscriptionTable(), r.subscriptions())
	}
	if r.printer.IsStream() {
		return nil
	}
	if r.printer.IsTable() {
		r.disambiguate()
	}
	return output.List(ctx, r.printer, companySubscriptionTable(), r.all)
}

// disambiguate appends the ID to company names that occur twice.
func (r *subscriptionRows) disambiguate() {
	companies := make([]fleet.Company, len(r.all))
	for i, s := range r.all {
		companies[i] = s.Company
	}
	labels := fleet.Distinct(companies)
	for i := range r.all {
		r.all[i].CompanyName = cmp.Or(labels[r.all[i].Company], r.all[i].CompanyName)
	}
}

func (r *subscriptionRows) subscriptions() []tripletex.Subscription {
	all := make([]tripletex.Subscription, len(r.all))
	for i, s := range r.all {
		all[i] = s.Subscription
	}
	return all
}
