package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/sender"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// deliveryShowOptions are the flags of delivery show.
type deliveryShowOptions struct {
	journal string
	body    bool
}

func newDeliveryShow(app *App) *cobra.Command {
	o := &deliveryShowOptions{}
	cmd := &cobra.Command{
		Use:     "show ID",
		Aliases: []string{"get", "describe"},
		Short:   "Show a delivery with its headers and body",
		Long: `Show a delivery with its headers, its body, its source address and the attempts
to forward it. Headers that may contain secrets are masked. The first and the
latest nine attempts are kept, each with up to 512 bytes of the answer.

--body prints only the body, unmodified.`,
		Example: `  tlxhook delivery show 17
  tlxhook delivery show 17 --jq .body.value
  tlxhook delivery show 17 --body >delivery.json`,
		Args:              oneArg("ID"),
		ValidArgsFunction: app.complete.deliveries,
		RunE:              app.run(func(ctx context.Context, args []string) error { return deliveryShow(ctx, app, o, args[0]) }),
	}
	bindJournal(cmd, &o.journal)
	cmd.Flags().BoolVar(&o.body, "body", false, "print only the unmodified body")
	return cmd
}

func deliveryShow(ctx context.Context, app *App, o *deliveryShowOptions, arg string) error {
	id, err := deliveryID(arg)
	if err != nil {
		return err
	}
	for _, key := range []string{"output", "jq", "template"} {
		if o.body && app.settings.Origin(key) == "--"+key {
			return usageFailure("--body cannot be combined with --%s", key).withHint("query the body with --jq .body, without --body")
		}
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
	attempts, err := j.Attempts(ctx, id)
	if err != nil {
		return err
	}
	details := receiver.NewDeliveryDetails(e, attempts)
	if err := output.Item(ctx, app.printer, deliveryDetailsTable(), details); err != nil || !app.printer.IsTable() {
		return err
	}
	text := terminal.SafeLines(string(e.Body))
	if json.Valid(e.Body) {
		text = indented(e.Body)
	}
	_, err = fmt.Fprintf(app.terminal.Out, "\n%s%s%s\n", headerLines(details.Headers), attemptLines(details.AttemptHistory), text)
	noteOmitted(app.note, e.Body)
	return err
}

// noteOmitted notes the fields that ordering and backfill need and a delivery does not have.
func noteOmitted(note func(string, ...any), body []byte) {
	envelope, err := webhook.ParseEnvelope(body)
	var value map[string]json.RawMessage
	if err != nil || json.Unmarshal(envelope.Value, &value) != nil || value == nil {
		return
	}
	missing := slices.DeleteFunc([]string{"id", "version"}, func(name string) bool { return value[name] != nil })
	if len(missing) > 0 {
		note("The value has no %s, which ordering and backfill need; add it to the fields of subscription %d",
			strings.Join(missing, " and "), envelope.SubscriptionID)
	}
}

// headerLines returns headers as lines, sorted by name, with an empty line after them.
func headerLines(all http.Header) string {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, value := range all[name] {
			text.WriteString(terminal.Safe(name+": "+value) + "\n")
		}
	}
	return text.String() + "\n"
}

// attemptLines returns attempts as lines, with an empty line after them.
func attemptLines(all []sender.HTTPAttempt) string {
	var text strings.Builder
	for _, a := range all {
		line := fmt.Sprintf("Attempt %d  %s  %s", a.Attempt, terminal.LocalTime(a.Time), milliseconds(a.DurationSeconds))
		if a.HTTPStatus > 0 {
			line += "  " + strconv.Itoa(a.HTTPStatus)
		}
		text.WriteString(terminal.Safe(strings.TrimSpace(line+"  "+a.Error)) + "\n")
		if body := strings.TrimSpace(terminal.SafeLines(a.Body)); body != "" {
			text.WriteString("  " + strings.ReplaceAll(body, "\n", "\n  ") + "\n")
		}
	}
	if len(all) > 0 {
		text.WriteString("\n")
	}
	return text.String()
}

// printBody prints a body unmodified, or with escaped control characters in a terminal.
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
	last := len(table.Columns) - 3 // columns added later stay last: backfill, unreadable, outdated
	table.Columns = slices.Insert(table.Columns, last, more...)
	table.Columns = append(table.Columns, output.Columns([]output.Column[receiver.DeliveryDetails]{{Name: "sourceAddress"}})...)
	return table
}
