package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/output"
)

// deliveryListOptions are the flags of delivery list.
type deliveryListOptions struct {
	selection deliverySelection
	limit     int
}

func newDeliveryList(app *App) *cobra.Command {
	o := &deliveryListOptions{}
	cmd := &cobra.Command{
		Use:     "list [ID...]",
		Aliases: []string{"ls"},
		Short:   "List what listen has received, and what became of it",
		Long: `List what listen has received, and what became of it, the newest last.

  pending    stored, and still to be accepted by the app
  forwarded  accepted by the app
  dead       given up after a day of trying; tlxhook delivery replay sends it
             again
` + deliverySelectionHelp,
		Example: `  tlxhook delivery list
  tlxhook delivery list --state dead --since 7d
  tlxhook delivery list --event 'order.*' --object 1001 -o json`,
		RunE: app.run(func(ctx context.Context, args []string) error { return deliveryList(ctx, app, o, args) }),
	}
	o.selection.bind(app, cmd)
	cmd.Flags().IntVar(&o.limit, "limit", 100, "list the newest `N`; 0 lists all")
	return cmd
}

func deliveryList(ctx context.Context, app *App, o *deliveryListOptions, args []string) error {
	if err := o.selection.read(args); err != nil {
		return err
	}
	if o.limit < 0 {
		return usageFailure("--limit must be 0 or more")
	}
	j, err := app.attach(o.selection.journal)
	if err != nil {
		return err
	}
	defer func() { _ = j.Close() }() // nothing was written
	found, all, err := o.find(ctx, j)
	if err != nil {
		return err
	}
	if len(found) == 0 && app.printer.IsTable() {
		app.note("no deliveries")
		return nil
	}
	if err := output.List(ctx, app.printer, deliveryTable(), storedDeliveries(found)); err != nil {
		return err
	}
	if all > int64(len(found)) {
		app.note("the newest %d of %d are listed; --limit 0 lists all", len(found), all)
	}
	return nil
}

// find returns the newest of what was chosen, and how many there are in all.
func (o *deliveryListOptions) find(ctx context.Context, j *journal.Journal) ([]journal.Entry, int64, error) {
	if o.limit == 0 || len(o.selection.filter.IDs) > 0 {
		found, err := o.selection.find(ctx, j)
		return found, int64(len(found)), err
	}
	return j.Newest(ctx, o.selection.filter, o.limit)
}
