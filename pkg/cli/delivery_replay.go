package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// deliveryReplayOptions are the flags of delivery replay.
type deliveryReplayOptions struct {
	selection   deliverySelection
	to          string
	allowRemote bool
	rate        float64
	dryRun      bool
	keepStates  bool
	edit        bool
	hmacFile    string
}

func newDeliveryReplay(app *App) *cobra.Command {
	o := &deliveryReplayOptions{}
	cmd := &cobra.Command{
		Use:   "replay [ID...] --to URL",
		Short: "Send stored deliveries to an app again",
		Long: `Send stored deliveries to an app again, one at a time, oldest first, with their
original body and headers, and with X-Tlxhook-Replay: true. Accepted deliveries
become forwarded.

A delivery is skipped while an older one of the same object is pending, whether
selected or not, to preserve the order. The replay stops after three consecutive
attempts without an answer.

--edit opens one delivery in the editor of VISUAL or EDITOR and sends the saved
text with a new key, signed with the secret of --hmac-secret-file or
TLXHOOK_HMAC_SECRET. The journal keeps the original.
` + deliverySelectionHelp,
		Example: `  tlxhook delivery replay 17 --to http://localhost:3000/hook
  tlxhook delivery replay --state dead --since 7d --to http://localhost:3000
  tlxhook delivery replay --all --to http://localhost:3000/hook --rate 10`,
		Annotations: map[string]string{annotationTimeout: "0"},
		RunE:        app.runUnlimited(func(ctx context.Context, args []string) error { return deliveryReplay(ctx, app, o, args) }),
	}
	o.selection.bind(cmd)
	cmd.ValidArgsFunction = app.complete.deliveries
	flags := cmd.Flags()
	flags.BoolVar(&o.selection.all, "all", false, "select all deliveries")
	flags.StringVar(&o.to, "to", "", "send to the app at `URL`, on this machine unless --allow-remote is set")
	flags.BoolVar(&o.allowRemote, "allow-remote", false, "allow an app on another machine")
	flags.Float64Var(&o.rate, "rate", 0, "send at most `N` deliveries per second (default unlimited)")
	flags.BoolVar(&o.dryRun, "dry-run", false, "list the deliveries to send, and send nothing")
	flags.BoolVar(&o.keepStates, "keep-states", false, "do not mark accepted deliveries as forwarded")
	flags.BoolVar(&o.edit, "edit", false, "edit the body of one delivery before sending")
	flags.StringVar(&o.hmacFile, "hmac-secret-file", "", "sign an edited body with the secret in `FILE` (- for stdin)")
	return cmd
}

// read validates the flags and returns the app; nil for a dry run without --to.
func (o *deliveryReplayOptions) read(ctx context.Context, app *App, args []string) (*receiver.Target, error) {
	if err := o.selection.read(args); err != nil {
		return nil, err
	}
	if err := o.selection.needed(); err != nil {
		return nil, err
	}
	switch {
	case o.rate != 0 && !(o.rate >= 0.001 && o.rate <= 100_000):
		return nil, usageFailure("--rate must be between 0.001 and 100000 per second")
	case o.edit && o.dryRun:
		return nil, usageFailure("--edit cannot be combined with --dry-run")
	case o.hmacFile != "" && !o.edit:
		return nil, usageFailure("--hmac-secret-file requires --edit")
	case o.allowRemote && o.to == "":
		return nil, usageFailure("--allow-remote requires --to")
	case o.dryRun && o.to == "":
		return nil, nil
	case o.to == "":
		return nil, usageFailure("--to is missing").withHint("pass the URL of the app, such as --to http://localhost:3000/hook")
	}
	target, err := receiver.OpenTarget(ctx, o.to, receiver.TargetOptions{AllowRemote: o.allowRemote, Redact: app.redactor.Redact})
	return target, wrapFlag("--to", err)
}

func deliveryReplay(ctx context.Context, app *App, o *deliveryReplayOptions, args []string) error {
	ctx, cancel := app.limited(ctx)
	defer cancel()
	target, err := o.read(ctx, app, args)
	if err != nil {
		return err
	}
	j, err := attach(app.lookup, o.selection.journal)
	if err != nil {
		return err
	}
	err = o.replay(ctx, &app.console, app.secrets(), j, target)
	if closeErr := j.Close(); err == nil && closeErr != nil {
		err = localFailure("close the journal", closeErr)
	}
	return err
}

// replay sends the selected deliveries and prints their outcome.
func (o *deliveryReplayOptions) replay(
	ctx context.Context, c *console, reader credentials.Reader, j *journal.Journal, target *receiver.Target,
) error {
	found, err := o.selection.find(ctx, j)
	switch {
	case err != nil:
		return err
	case len(found) == 0:
		return notFoundFailure("no delivery matches").withHint("list all deliveries with %s", command{"delivery", "list"})
	case o.dryRun:
		return output.Sequence(ctx, c.printer, deliveryTable(), storedDeliveries(output.All(found)))
	case o.edit:
		return o.sendEdited(ctx, c, reader, j, target, found)
	}
	r := receiver.Replay{Journal: j, App: target, Rate: o.rate, KeepStates: o.keepStates}
	rows, err := replay(ctx, c.terminal, r, found)
	return printReplay(ctx, c, rows, len(found), replayOthers, err)
}

// replay runs a replay with progress.
func replay(ctx context.Context, t *terminal.Terminal, r receiver.Replay, found []journal.Entry) (rows []receiver.ReplayResult, err error) {
	progress := t.Status.Count(len(found), "deliveries")
	defer progress.End()
	for done, err := range r.Run(ctx, found) {
		if err != nil {
			return rows, err
		}
		rows = append(rows, done.Result())
		progress.Step()
	}
	return rows, nil
}

const replayOthers = "run the command again with the IDs of the others"

// printReplay prints the outcomes, and returns an error unless the app accepted all deliveries.
func printReplay(ctx context.Context, c *console, rows []receiver.ReplayResult, all int, others string, err error) error {
	accepted := 0
	for _, row := range rows {
		if row.Result == receiver.ResultForwarded {
			accepted++
		}
	}
	c.note("Forwarded %d of %s", accepted, terminal.Count(all, "delivery"))
	if printErr := output.List(ctx, c.printer, replayTable(), rows); printErr != nil {
		return printErr
	}
	switch {
	case accepted == all:
		return nil
	case err == nil:
		err = fmt.Errorf("the app accepted %d of %s", accepted, terminal.Count(all, "delivery"))
	case !errors.Is(err, receiver.ErrSilent):
		return fmt.Errorf("replay: stopped after %d of %d: %w", len(rows), all, err)
	}
	if accepted == 0 {
		others = "nothing was accepted"
	}
	return notAccepted(err, accepted > 0, advice("%s", others))
}

// notAccepted returns the failure of deliveries that an app did not accept; some is true if it accepted others.
func notAccepted(err error, some bool, hint hint) error {
	f := fail(codePartial, err)
	if f.hint = hint; !some {
		f = fail(codeUnavailable, err)
		f.hint = advice(hint.format+"; check that the app at this URL is running and answers with 2xx", hint.args...)
	}
	return f
}

// sendEdited opens the selected delivery in an editor and sends the saved text.
func (o *deliveryReplayOptions) sendEdited(
	ctx context.Context, c *console, reader credentials.Reader, j *journal.Journal, target *receiver.Target, found []journal.Entry,
) error {
	if len(found) != 1 {
		return usageFailure("--edit requires one delivery, and %d match", len(found)).withHint("pass its ID")
	}
	if !c.terminal.IsInteractive() {
		return usageFailure("--edit requires a terminal")
	}
	given, err := (&secretFlags{hmacFile: o.hmacFile}).read(ctx, reader)
	if err != nil {
		return err
	}
	original, err := j.Get(ctx, found[0].ID)
	if err != nil {
		return err
	}
	body, err := edit(ctx, c.terminal, original.Body)
	if err != nil {
		return err
	}
	if given.hmac == "" {
		c.note("Sending without a signature; to sign: --hmac-secret-file")
	}
	done, err := receiver.Replay{Journal: j, App: target}.RunEdited(ctx, original, body, given.hmac)
	if errors.Is(err, webhook.ErrEnvelope) {
		return usageFailure("the edited text is not a delivery: %w", err).withHint("save one JSON object with an event; nothing was sent")
	}
	if err != nil {
		return err
	}
	return printReplay(ctx, c, []receiver.ReplayResult{done.Result()}, 1, replayOthers, nil)
}

// edit opens a body in an editor, indented, and returns the saved text.
func edit(ctx context.Context, t *terminal.Terminal, body []byte) ([]byte, error) {
	text, err := output.Indent(body, "")
	if err != nil {
		text = body
	}
	text = append(slices.Clip(text), '\n')
	saved, err := t.Edit(ctx, text, ".json")
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, localFailure("edit the delivery", err)
	}
	if bytes.Equal(saved, text) {
		return nil, failf(codeDeclined, "no changes were saved; nothing was sent")
	}
	return bytes.TrimSpace(saved), nil
}

func replayTable() output.Table[receiver.ReplayResult] {
	type r = receiver.ReplayResult
	return output.TableOf([]output.Column[r]{
		{Name: "id"},
		{Name: "event"},
		{Name: "objectId", Title: "OBJECT"},
		{Name: "result", Style: func(v r) terminal.Style { return resultStyle(v.Result) }},
		{Name: "durationSeconds", Title: "TIME", Text: func(v r) string { return milliseconds(v.DurationSeconds) }},
		{Name: "error", Shrinks: true},
		{Name: "body", Shrinks: true},
	})
}

func resultStyle(result string) terminal.Style {
	switch result {
	case receiver.ResultForwarded:
		return terminal.Good
	case receiver.ResultSkipped:
		return terminal.Warning
	default:
		return terminal.Bad
	}
}
