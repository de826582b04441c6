package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// deliveryShowOptions are the flags of delivery show.
type deliveryShowOptions struct {
	journal string
	body    bool
}

func newDeliveryShow(app *App) *cobra.Command {
	o := &deliveryShowOptions{}
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show one delivery with what was received",
		Long: `Show one delivery with its body and signature, and what became of it. With
--body nothing but the body is printed, byte for byte as it was received.`,
		Example: `  tlxhook delivery show 17
  tlxhook delivery show 17 --jq .body.value
  tlxhook delivery show 17 --body >delivery.json`,
		Args:              oneArg("id"),
		ValidArgsFunction: app.complete.deliveries,
		RunE:              app.run(func(ctx context.Context, args []string) error { return deliveryShow(ctx, app, o, args[0]) }),
	}
	bindJournal(cmd, &o.journal)
	cmd.Flags().BoolVar(&o.body, "body", false, "print the body alone, as it was received")
	return cmd
}

func deliveryShow(ctx context.Context, app *App, o *deliveryShowOptions, arg string) error {
	id, err := deliveryID(arg)
	if err != nil {
		return err
	}
	j, err := attach(app.lookup, o.journal)
	if err != nil {
		return err
	}
	defer func() { _ = j.Close() }() // nothing was written
	e, err := j.Get(ctx, id)
	if err != nil {
		return err
	}
	if o.body {
		return printBody(app.terminal, e)
	}
	if err := output.Item(ctx, app.printer, deliveryDetailsTable(), receiver.NewDeliveryDetails(e)); err != nil || !app.printer.IsTable() {
		return err
	}
	text := terminal.SafeLines(string(e.Body))
	if json.Valid(e.Body) {
		text = indented(e.Body)
	}
	_, err = fmt.Fprintf(app.terminal.Out, "\n%s\n", text)
	return err
}

// printBody prints a body as it was received, but for what would disturb a screen.
func printBody(t *terminal.Terminal, e journal.Entry) error {
	if t.IsScreen() {
		_, err := fmt.Fprintln(t.Out, terminal.SafeLines(string(e.Body)))
		return err
	}
	_, err := t.Out.Write(e.Body)
	return err
}

func deliveryDetailsTable() output.Table[receiver.DeliveryDetails] {
	table := output.Part(deliveryTable(), func(v *receiver.DeliveryDetails) *receiver.StoredDelivery { return &v.StoredDelivery })
	more := output.Columns([]output.Column[receiver.DeliveryDetails]{{Name: "contentType"}, {Name: "signature"}})
	last := len(table.Columns) - 2 // "backfill" and "unreadable" were added later, and stay behind
	table.Columns = slices.Insert(table.Columns, last, more...)
	return table
}
