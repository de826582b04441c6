package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/backfill"
	"github.com/tlxhook/tlxhook/pkg/bulk"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func newSubscription(app *App) *cobra.Command {
	return group("subscription", "Make, change and repair subscriptions", []string{"subscriptions", "sub", "subs"},
		newSubscriptionList(app), newSubscriptionShow(app), newSubscriptionCreate(app), newSubscriptionUpdate(app),
		newSubscriptionEnable(app), newSubscriptionDisable(app), newSubscriptionRotateSecret(app), newSubscriptionDelete(app))
}

// partly marks an error as exit code 7 where some of the work was done before it.
func partly(err error, done, all int) error {
	if err == nil || done == 0 || errors.Is(err, context.Canceled) {
		return err
	}
	hint := "what is listed was done; run the command again for the rest"
	if cause, ok := errors.AsType[*failure](err); ok && cause.hint != "" {
		hint = cause.hint
	}
	return failf(codePartial, "%d of %d done, then: %w", done, all, err).withHint("%s", hint)
}

// changeOptions are the flags of the commands that change subscriptions.
type changeOptions struct {
	selection selection
	fleet     fleetFlags
	dryRun    bool
	secrets   secretFlags
}

// send makes one change to every chosen subscription.
func (o *changeOptions) send(ctx context.Context, app *App, update tripletex.SubscriptionUpdate, verb string) error {
	ctx, cancel := app.limited(ctx)
	defer cancel()
	work := func(ctx context.Context, m fleet.Account) (c companyChange, err error) {
		if err := update.Check(m.Client.IsLocal()); err != nil {
			return c, usageFailure("%w", err)
		}
		found, err := o.selection.find(ctx, m.Client)
		if err != nil {
			return c, err
		}
		c.found = len(found)
		updates, err := update.For(found)
		if err != nil {
			return c, usageFailure("%w", err).withHint("name the header with --auth-header")
		}
		return c, c.update(ctx, app, m, updates, o.dryRun)
	}
	c := change{fleet: &o.fleet, verb: verb, dryRun: o.dryRun, work: work}
	if o.dryRun {
		return c.run(ctx, app)
	}
	return o.secrets.keeping(app.note, update.HMACSharedSecret, func() error { return c.run(ctx, app) })
}

// update sends updates, or plans them.
func (c *companyChange) update(ctx context.Context, app *App, m fleet.Account, updates []tripletex.SubscriptionUpdate, dryRun bool) error {
	if dryRun {
		c.plan = bulk.UpdateRequests(updates, app.target)
		return nil
	}
	made, done, err := bulk.Update(ctx, m.Client, updates)
	c.done = append(c.done, made...)
	if file, fileErr := app.fingerprints(m); fileErr == nil { // without a folder nothing can be stored
		warnNotStored(app.note, file.Updated(updates, c.done))
	}
	return partly(err, done, len(updates))
}

// companyChange is what a command did, or with --dry-run would do, in one company.
type companyChange struct {
	found int // how many were chosen
	left  int // of them left alone, as they are so already
	done  []tripletex.Subscription
	plan  []bulk.Request
	gaps  []backfill.Gap
}

// change is a verb that changes the selected subscriptions of a run.
type change struct {
	fleet  *fleetFlags
	verb   string // past tense
	dryRun bool
	work   func(context.Context, fleet.Account) (companyChange, error)

	rows        *subscriptionRows
	plan        []plannedRequest
	gaps        []companyGap
	commands    []string // that find missed events
	found, left int
}

// run works in the companies of a run, prints what was changed, and notes how much was done.
func (c *change) run(ctx context.Context, app *App) error {
	all, err := c.fleet.selectAccounts(ctx, app)
	if err != nil {
		return err
	}
	return c.runIn(ctx, app, all)
}

// runIn is run for companies that are selected already.
func (c *change) runIn(ctx context.Context, app *App, all selectedAccounts) error {
	c.fleet.planning = c.dryRun
	if err := c.fleet.begin(app, all); err != nil {
		return err
	}
	c.rows = &subscriptionRows{app: app, many: c.fleet.Many()}
	failed, err := inSelected(ctx, app, c.fleet, all, c.work, func(m fleet.Account, done companyChange) error {
		return c.add(ctx, app, m, done)
	})
	if err == nil {
		err = c.fleet.end(app, failed, all.count(), len(c.rows.all)+len(c.plan)+c.left == 0)
	}
	switch {
	case err != nil && len(c.rows.all)+len(c.plan) == 0:
		return err
	case err == nil && c.found == 0:
		return notFoundFailure("no subscription matches").withHint("tlxhook subscription list shows what there is")
	}
	if printErr := c.print(ctx, app); printErr != nil {
		return printErr
	}
	return err
}

// add takes the result of one company.
func (c *change) add(ctx context.Context, app *App, m fleet.Account, done companyChange) error {
	c.found, c.left = c.found+done.found, c.left+done.left
	label, company := "", maybeOfCompany{}
	if c.fleet.Many() {
		label, company = m.Named().Label(), maybeOfCompany(m.Named())
	}
	for _, request := range done.plan {
		c.plan = append(c.plan, plannedRequest{company, request})
	}
	for _, gap := range done.gaps {
		c.gaps = append(c.gaps, companyGap{gap, label})
	}
	if command := backfillCommand(app.settings, m, done.gaps); command != "" {
		c.commands = append(c.commands, command)
	}
	return c.rows.add(ctx, m, done.done)
}

func (c *change) print(ctx context.Context, app *App) error {
	if c.left > 0 {
		app.note("%s left alone: %s already", subscriptions(c.left), c.verb)
	}
	if !c.dryRun && len(c.rows.all) > 0 {
		app.note("%s %s", c.verb, subscriptions(len(c.rows.all)))
	}
	for _, line := range gapLines(c.gaps, c.commands) {
		app.note("%s", line)
	}
	if c.dryRun {
		return output.List(ctx, app.printer, requestTable(c.fleet.Many()), c.plan)
	}
	return c.rows.show(ctx)
}

// subscriptions returns "1 subscription" or "2 subscriptions".
func subscriptions(n int) string {
	if n == 1 {
		return "1 subscription"
	}
	return fmt.Sprintf("%d subscriptions", n)
}
