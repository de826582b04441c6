package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// deliveryPurgeOptions are the flags of delivery purge.
type deliveryPurgeOptions struct {
	selection deliverySelection
	olderThan string
	dryRun    bool
	yes       bool
	// keepsPending means that pending deliveries were not selected with --state.
	keepsPending bool
}

func newDeliveryPurge(app *App) *cobra.Command {
	o := &deliveryPurgeOptions{}
	cmd := &cobra.Command{
		Use:     "purge [ID...]",
		Aliases: []string{"rm", "remove", "delete"},
		Short:   "Delete received deliveries permanently",
		Long: `Delete deliveries from the journal permanently. The command asks for
confirmation; without a terminal --yes is required. Pending deliveries are kept
unless --state pending selects them.

Deleted deliveries are overwritten on the disk. Hashes of their idempotency keys
are kept to detect duplicates; see --remember-keys of tlxhook listen.
` + deliverySelectionHelp,
		Example: `  tlxhook delivery purge --older-than 30d --yes
  tlxhook delivery purge --state dead --event 'order.*' --dry-run`,
		Annotations: map[string]string{annotationTimeout: "0"},
		RunE:        app.runUnlimited(func(ctx context.Context, args []string) error { return deliveryPurge(ctx, app, o, args) }),
	}
	o.selection.bind(cmd)
	cmd.ValidArgsFunction = app.complete.deliveries
	cmd.Flags().BoolVar(&o.selection.all, "all", false, "select all deliveries that are not pending")
	cmd.Flags().StringVar(&o.olderThan, "older-than", "", "filter by receipt longer than `AGE` ago, such as 30d")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "list the deliveries to delete, and delete nothing")
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "skip the confirmation prompt")
	return cmd
}

// read validates the selection.
func (o *deliveryPurgeOptions) read(args []string) error {
	if o.olderThan != "" {
		age, err := match.Age(o.olderThan)
		if err != nil {
			return usageFailure("--older-than: %w", err)
		}
		if !o.selection.filter.Before.IsZero() {
			return usageFailure("--older-than cannot be combined with --before")
		}
		o.selection.filter.Before = time.Now().Add(-age)
	}
	if err := o.selection.read(args); err != nil {
		return err
	}
	if err := o.selection.needed(); err != nil {
		return err
	}
	if len(o.selection.filter.States) == 0 {
		o.selection.filter.States = []journal.State{journal.Forwarded, journal.Dead}
		o.keepsPending = true
	}
	return nil
}

func deliveryPurge(ctx context.Context, app *App, o *deliveryPurgeOptions, args []string) error {
	if err := o.read(args); err != nil {
		return err
	}
	if !o.yes && !o.dryRun && !app.terminal.IsInteractive() {
		return cannotPrompt()
	}
	ctx, cancel := app.limited(ctx)
	defer cancel()
	j, err := o.attach(app.lookup)
	if err != nil {
		return err
	}
	purged, err := o.purge(ctx, &app.console, j)
	if closeErr := j.Close(); err == nil && closeErr != nil {
		err = localFailure("close the journal", closeErr)
	}
	if err != nil || o.dryRun {
		return err
	}
	return output.Item(ctx, app.printer, output.TableOf[purgeResult](nil), purgeResult{Purged: purged})
}

// attach opens the journal, and frees its reserve on a full disk.
func (o *deliveryPurgeOptions) attach(lookup config.Lookup) (*journal.Journal, error) {
	folder, err := journalFolder(lookup, o.selection.journal)
	if err != nil {
		return nil, err
	}
	if !o.dryRun {
		_ = journal.FreeReserve(folder) // the cause of a failure shows below
	}
	return journal.Attach(folder)
}

// purge deletes the selected deliveries after a confirmation.
func (o *deliveryPurgeOptions) purge(ctx context.Context, c *console, j *journal.Journal) (int64, error) {
	if err := j.CheckIDs(ctx, o.selection.filter.IDs); err != nil {
		return 0, err
	}
	if err := o.noteKept(ctx, c.note, j); err != nil {
		return 0, err
	}
	if o.dryRun {
		return 0, output.Sequence(ctx, c.printer, deliveryTable(), storedDeliveries(j.List(ctx, o.selection.filter)))
	}
	if err := o.confirm(ctx, c.terminal, j); err != nil {
		return 0, err
	}
	purged, err := j.Purge(ctx, o.selection.filter, nil)
	if err != nil {
		return purged, purgedBefore(err, purged)
	}
	if err := j.Shrink(ctx); err != nil {
		return purged, err
	}
	_ = j.KeepReserve() // for the next full disk
	return purged, nil
}

// noteKept notes the number of selected deliveries that are kept because they are pending.
func (o *deliveryPurgeOptions) noteKept(ctx context.Context, note func(string, ...any), j *journal.Journal) error {
	if !o.keepsPending {
		return nil
	}
	kept := o.selection.filter
	kept.States = []journal.State{journal.Pending}
	n, err := j.Count(ctx, kept)
	if err == nil && n > 0 {
		note("Kept %s pending; to delete them: --state pending", terminal.Count(n, "delivery"))
	}
	return err
}

// confirm prompts, and returns an error unless the answer is yes.
func (o *deliveryPurgeOptions) confirm(ctx context.Context, t *terminal.Terminal, j *journal.Journal) error {
	if o.yes {
		return nil
	}
	count, err := j.Count(ctx, o.selection.filter)
	if err != nil || count == 0 {
		return err
	}
	listed, err := o.firstSelected(ctx, j, count)
	if err != nil {
		return err
	}
	return confirm(ctx, t, fmt.Sprintf("%sDelete %s permanently?", listed, terminal.Count(count, "delivery")))
}

// firstSelected returns the first selected deliveries for the prompt, one on each line, and the number of the others.
func (o *deliveryPurgeOptions) firstSelected(ctx context.Context, j *journal.Journal, count int64) (string, error) {
	const most = 10
	var text strings.Builder
	shown := int64(0)
	for e, err := range j.List(ctx, o.selection.filter) {
		if err != nil {
			return "", err
		}
		if shown == most {
			fmt.Fprintf(&text, "  and %d more\n", count-shown)
			break
		}
		shown++
		fmt.Fprintf(&text, "  %d %s of object %d, %s\n", e.ID, terminal.ClipName(terminal.Safe(e.Event)), e.ObjectID, e.State)
	}
	return text.String(), nil
}

// purgedBefore adds the number of deliveries that were purged before an error.
func purgedBefore(err error, purged int64) error {
	if purged == 0 || errors.Is(err, context.Canceled) {
		return err
	}
	return failf(codePartial, "%s purged, then: %w", terminal.Count(purged, "delivery"), err).withHint("run the command again for the rest")
}

// purgeResult is the result of delivery purge.
type purgeResult struct {
	Purged int64 `json:"purged" table:"PURGED"`
}
