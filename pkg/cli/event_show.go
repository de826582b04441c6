package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/payload"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// eventShowOptions are the flags of event show.
type eventShowOptions struct {
	schema bool
	fields string
}

func newEventShow(app *App) *cobra.Command {
	o := &eventShowOptions{}
	cmd := &cobra.Command{
		Use:     "show EVENT",
		Aliases: []string{"get", "describe"},
		Short:   "Show an event and its example deliveries",
		Long: `Show the description, the payload type and the example deliveries of an event.

--schema prints the JSON Schema of the deliveries of the event instead, for
type generators. --fields selects the fields as in a subscription.

A login is required; -p sandbox works without an account. --schema needs none.`,
		Example: `  tlxhook event show invoice.charged
  tlxhook event show order.create --jq '.examples[0]'
  tlxhook event show order.create --schema > order.schema.json
  tlxhook event show order.create --schema --fields 'id,version,customer(name)'`,
		Args:              oneArg("event"),
		ValidArgsFunction: app.complete.events,
		RunE:              app.run(func(ctx context.Context, args []string) error { return eventShow(ctx, app, o, args[0]) }),
	}
	cmd.Flags().BoolVar(&o.schema, "schema", false, "print the JSON Schema of a delivery")
	cmd.Flags().StringVar(&o.fields, "fields", "", "`FIELDS` in the schema (default: the whole object)")
	return cmd
}

func eventShow(ctx context.Context, app *App, o *eventShowOptions, name string) error {
	switch {
	case o.schema:
		return o.showSchema(ctx, app, name)
	case o.fields != "":
		return usageFailure("--fields requires --schema").withHint("pass --schema, or remove --fields")
	}
	client, err := app.logins().Client(ctx)
	if err != nil {
		return err
	}
	info, err := eventInfo(ctx, client, name)
	if err != nil {
		return err
	}
	if err := output.Item(ctx, app.printer, eventInfoTable(), info); err != nil || !app.printer.IsTable() {
		return err
	}
	for _, example := range info.Examples {
		raw, err := output.MarshalJSON(example)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(app.terminal.Out, "\nExample delivery:\n%s\n", indented(raw)); err != nil {
			return err
		}
	}
	return nil
}

// showSchema prints the JSON Schema of an event: as text for a file, unless a format for objects is chosen.
func (o *eventShowOptions) showSchema(ctx context.Context, app *App, name string) error {
	var known []tripletex.Event
	for _, event := range sandbox.EventNames() {
		known = append(known, tripletex.Event{Name: event})
	}
	if !slices.ContainsFunc(known, func(e tripletex.Event) bool { return strings.EqualFold(e.Name, name) }) {
		return notFoundFailure("no schema of event %q", name).withEventHint(name, known)
	}
	filter, err := payload.Parse(o.fields)
	if err != nil {
		return usageFailure("--fields %q: %w", o.fields, err)
	}
	for _, warning := range match.FieldWarnings(o.fields, name) {
		app.note("warning: %s", warning)
	}
	schema, err := payload.Schema(name, filter)
	if err != nil {
		return err
	}
	s := app.settings
	if s.JQ+s.Template != "" || slices.Contains([]output.Format{"json", "ndjson", "yaml"}, output.Format(s.Output)) {
		return output.Item(ctx, app.printer, output.Table[json.RawMessage]{}, schema)
	}
	_, err = app.terminal.Out.Write(append(schema, '\n'))
	return err
}

// eventInfo returns an event. The error for an unknown name suggests similar names.
func eventInfo(ctx context.Context, client *tripletex.Client, name string) (tripletex.EventInfo, error) {
	info, err := client.Event(ctx, name)
	if tripletex.KindOf(err) == tripletex.NotFound {
		if events, listErr := client.Events(ctx); listErr == nil {
			err = notFoundFailure("event %q not found", name).withEventHint(name, events)
		}
	}
	return info, err
}
