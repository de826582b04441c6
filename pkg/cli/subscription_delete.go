package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// deleteOptions are the flags of subscription delete.
type deleteOptions struct {
	selection selection
	dryRun    bool
	yes       bool
}

func newSubscriptionDelete(app *App) *cobra.Command {
	o := &deleteOptions{}
	cmd := &cobra.Command{
		Use:     "delete [ID...]",
		Aliases: []string{"rm"},
		Short:   "Delete subscriptions",
		Long: `Delete subscriptions, after asking. Where there is no terminal to ask at,
--yes is needed. What was deleted is printed.
` + selectionHelp,
		Example: `  tlxhook subscription delete 4711
  tlxhook subscription delete --target old.example.no --yes`,
		RunE: app.runUnlimited(func(ctx context.Context, args []string) error { return subscriptionDelete(ctx, app, o, args) }),
	}
	o.selection.bind(app, cmd, true)
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "print what would be sent, and send nothing")
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	return cmd
}

func subscriptionDelete(ctx context.Context, app *App, o *deleteOptions, args []string) error {
	if err := o.selection.read(args, true); err != nil {
		return err
	}
	if !o.yes && !o.dryRun && !app.terminal.IsInteractive() {
		return usageFailure("deleting needs --yes where nobody can be asked")
	}
	client, found, err := o.look(ctx, app)
	if err != nil {
		return err
	}
	if o.dryRun {
		return app.printDeletePlan(ctx, found)
	}
	if !o.yes {
		sure, err := app.terminal.Confirm(ctx, deleteQuestion(app, found))
		if err != nil {
			return err
		}
		if !sure {
			return &failure{exitNo, "declined", errors.New("nothing was deleted"), ""}
		}
	}
	ctx, cancel := app.limited(ctx)
	defer cancel()
	done, err := inBatches(ctx, found, maxBulkDelete, func(ctx context.Context, batch []tripletex.Subscription) error {
		return client.DeleteSubscriptions(ctx, idsOf(batch))
	})
	if done > 0 || err == nil {
		app.note("%s deleted", subscriptions(done))
		if printErr := output.List(context.WithoutCancel(ctx), app.printer, subscriptionTable(), app.shown(found[:done])); printErr != nil {
			return printErr
		}
	}
	return partly(err, done, len(found))
}

// look finds what is to be deleted, within a limit of time of its own: the person may think for longer.
func (o *deleteOptions) look(ctx context.Context, app *App) (*tripletex.Client, []tripletex.Subscription, error) {
	ctx, cancel := app.limited(ctx)
	defer cancel()
	client, err := app.client(ctx)
	if err != nil {
		return nil, nil, err
	}
	found, err := o.selection.findSome(ctx, client)
	return client, found, err
}

func deleteQuestion(app *App, found []tripletex.Subscription) string {
	const most = 10
	var text strings.Builder
	for _, s := range app.shown(found[:min(most, len(found))]) {
		fmt.Fprintf(&text, "  %d %s to %s\n", s.ID, s.Event, s.TargetURL)
	}
	if more := len(found) - most; more > 0 {
		fmt.Fprintf(&text, "  and %d more\n", more)
	}
	fmt.Fprintf(&text, "Delete %s?", subscriptions(len(found)))
	return text.String()
}

func (a *App) printDeletePlan(ctx context.Context, found []tripletex.Subscription) error {
	var plan []plannedRequest
	for batch := range slices.Chunk(found, maxBulkDelete) {
		texts := make([]string, len(batch))
		for i, id := range idsOf(batch) {
			texts[i] = strconv.FormatInt(id, 10)
		}
		request := plannedRequest{Method: "DELETE", Path: "/event/subscription/list?ids=" + strings.Join(texts, ",")}
		if len(batch) == 1 {
			request.Path = "/event/subscription/" + texts[0]
		}
		plan = append(plan, request)
	}
	return output.List(ctx, a.printer, requestTable(), plan)
}

func idsOf(all []tripletex.Subscription) []int64 {
	ids := make([]int64, len(all))
	for i, s := range all {
		ids[i] = s.ID
	}
	return ids
}
