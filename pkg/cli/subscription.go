package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func newSubscription(app *App) *cobra.Command {
	return group("subscription", "Make, change and repair subscriptions", []string{"subscriptions", "sub", "subs"},
		newSubscriptionList(app), newSubscriptionShow(app), newSubscriptionCreate(app), newSubscriptionUpdate(app),
		newSubscriptionEnable(app), newSubscriptionDisable(app), newSubscriptionRotateSecret(app), newSubscriptionDelete(app))
}

// The most that one bulk call carries. The service's own limit is not known; ids of a delete stand in the URL,
// which servers cut at 8 kB.
const (
	maxBulk       = 1000
	maxBulkDelete = 400
)

// inBatches writes items in as few calls as it can, and stops between two once ctx has ended. The call in
// flight is always finished. It returns how many items were written.
func inBatches[T any](ctx context.Context, items []T, size int, write func(context.Context, []T) error) (int, error) {
	finish, cancel := finishing(ctx)
	defer cancel()
	done := 0
	for batch := range slices.Chunk(items, size) {
		if err := ctx.Err(); err != nil {
			return done, fmt.Errorf("stopped after %d of %d: %w", done, len(items), err)
		}
		if err := write(finish, batch); err != nil {
			return done, err
		}
		done += len(batch)
	}
	return done, nil
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
func (o *changeOptions) send(ctx context.Context, app *App, change tripletex.SubscriptionUpdate, verb string) error {
	ctx, cancel := app.limited(ctx)
	defer cancel()
	work := func(ctx context.Context, m fleet.Account) (c companyChange, err error) {
		if err := change.Check(m.Client.IsLocal()); err != nil {
			return c, usageFailure("%w", err)
		}
		found, err := o.selection.find(ctx, m.Client)
		if err != nil {
			return c, err
		}
		c.found = len(found)
		updates, err := change.For(found)
		if err != nil {
			return c, usageFailure("%w", err).withHint("name the header with --auth-header")
		}
		return c, c.update(ctx, app, m, updates, o.dryRun)
	}
	if o.dryRun {
		return app.change(ctx, &o.fleet, verb, true, work)
	}
	return o.secrets.keeping(app, change.HMACSharedSecret, func() error { return app.change(ctx, &o.fleet, verb, false, work) })
}

// update sends updates, or plans them.
func (c *companyChange) update(ctx context.Context, app *App, m fleet.Account, updates []tripletex.SubscriptionUpdate, dryRun bool) error {
	if dryRun {
		c.plan = app.updatePlan(updates)
		return nil
	}
	done, err := inBatches(ctx, updates, maxBulk, func(ctx context.Context, batch []tripletex.SubscriptionUpdate) error {
		made, err := m.Client.UpdateSubscriptions(ctx, batch)
		c.done = append(c.done, made...)
		return err
	})
	if file, fileErr := app.fingerprints(m); fileErr == nil { // without a folder nothing can be stored
		app.warnNotStored(file.Updated(updates, c.done))
	}
	return partly(err, done, len(updates))
}

// updatePlan returns the requests that --dry-run does not send, with masked targets and without secrets.
func (a *App) updatePlan(bodies []tripletex.SubscriptionUpdate) []plannedRequest {
	var plan []plannedRequest
	for batch := range slices.Chunk(bodies, maxBulk) {
		masked := slices.Clone(batch)
		for i := range masked {
			masked[i].TargetURL = a.target(masked[i].TargetURL)
		}
		request := plannedRequest{Method: http.MethodPut, Path: "/event/subscription/list", Body: masked}
		if len(masked) == 1 {
			request.Path, request.Body = fmt.Sprintf("/event/subscription/%d", masked[0].ID), masked[0]
		}
		plan = append(plan, request)
	}
	return plan
}

// subscriptions returns "1 subscription" or "2 subscriptions".
func subscriptions(n int) string {
	if n == 1 {
		return "1 subscription"
	}
	return fmt.Sprintf("%d subscriptions", n)
}
