package cli

import (
	"context"
	"iter"

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
	o.selection.bind(cmd)
	cmd.ValidArgsFunction = app.complete.deliveries
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
	j, err := attach(app.lookup, o.selection.journal)
	if err != nil {
		return err
	}
	defer func() { _ = j.Close() }() // nothing was written
	found, all, err := o.find(ctx, j)
	if err != nil {
		return err
	}
	listed := int64(0)
	counted := func(yield func(journal.Entry, error) bool) {
		for e, err := range found {
			listed++
			if !yield(e, err) {
				return
			}
		}
	}
	if err := output.Sequence(ctx, app.printer, deliveryTable(), storedDeliveries(counted)); err != nil {
		return err
	}
	switch {
	case listed == 0 && app.printer.IsTable():
		app.note("no deliveries")
	case all > listed:
		app.note("the newest %d of %d are listed; --limit 0 lists all", listed, all)
	}
	return nil
}

// find returns the deliveries to list, and how many match in all; 0 where all of them are listed.
func (o *deliveryListOptions) find(ctx context.Context, j *journal.Journal) (found iter.Seq2[journal.Entry, error], all int64, err error) {
	if o.limit == 0 || len(o.selection.filter.IDs) > 0 {
		return j.List(ctx, o.selection.filter), 0, j.CheckIDs(ctx, o.selection.filter.IDs)
	}
	newest, all, err := j.Newest(ctx, o.selection.filter, o.limit)
	return output.All(newest), all, err
}
