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
		Aliases: []string{"ls", "logs"},
		Short:   "List received deliveries",
		Long: `List the deliveries that tlxhook listen received, oldest first. States:

  pending    stored, not yet accepted by the app
  forwarded  accepted by the app
  dead       not accepted within 24 hours; to retry: tlxhook delivery replay
` + deliverySelectionHelp,
		Example: `  tlxhook delivery list
  tlxhook delivery list --state dead --since 7d
  tlxhook delivery list --event 'order.*' --object 1001 -o json`,
		RunE: app.run(func(ctx context.Context, args []string) error { return deliveryList(ctx, app, o, args) }),
	}
	o.selection.bind(cmd)
	cmd.ValidArgsFunction = app.complete.deliveries
	cmd.Flags().IntVar(&o.limit, "limit", 100, "list the newest `N` deliveries; 0 for all")
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
		app.note("No deliveries")
	case all > listed:
		app.note("Listed the newest %d of %d; for all: --limit 0", listed, all)
	}
	return nil
}

// find returns the deliveries to list, and the number of all matches; 0 if all are listed.
func (o *deliveryListOptions) find(ctx context.Context, j *journal.Journal) (found iter.Seq2[journal.Entry, error], all int64, err error) {
	if o.limit == 0 || len(o.selection.filter.IDs) > 0 {
		return j.List(ctx, o.selection.filter), 0, j.CheckIDs(ctx, o.selection.filter.IDs)
	}
	newest, all, err := j.Newest(ctx, o.selection.filter, o.limit)
	return output.All(newest), all, err
}
