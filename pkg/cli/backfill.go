package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/backfill"
	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// backfillOptions are the flags of backfill.
type backfillOptions struct {
	choice        backfill.Choice
	subscriptions bool
	fleet         fleetFlags
	dryRun        bool
	deletes       bool
	forwardTo     string
	allowRemote   bool
	journal       string
	hmacFile      string
	secret        secret.Text
}

const backfillLong = `Deliver changes that webhooks missed. Objects are listed from Tripletex and
compared with the versions in the journal. A missing object is delivered as
created, a newer version as updated, in the envelope of the webhook and with
the header X-Tlxhook-Backfill: true. A second run delivers nothing twice. An
interrupted run continues where it stopped.

Objects: account, closeGroup, contact, customer, employee, invoice, order,
product, project, supplier and voucher. --for-subscriptions selects the objects
and fields of active subscriptions instead; --event and --target filter the
subscriptions.

Missing deliveries are stored in the journal and forwarded in order for each
object, by a running tlxhook listen with the same journal, or to --forward-to.
They are signed with the secret of --hmac-secret-file or TLXHOOK_HMAC_SECRET,
if set.

Objects that were delivered but no longer exist are counted as gone. They are
delivered as deleted only with --deletes.

--since limits customer and supplier to changed objects. --from and --to limit
closeGroup, invoice, order and voucher by date. Gone objects are counted only
without these limits.

--dry-run delivers nothing, and exits with 1 if objects are missing.
`

func newBackfill(app *App) *cobra.Command {
	o := &backfillOptions{}
	cmd := &cobra.Command{
		Use:   "backfill [OBJECT...]",
		Short: "Deliver changes that webhooks missed",
		Long:  backfillLong + fleetHelp,
		Example: `  tlxhook backfill customer order --forward-to http://localhost:3000/hook
  tlxhook backfill --for-subscriptions --deletes
  tlxhook backfill --for-subscriptions --dry-run -o json
  tlxhook backfill customer --since 2d`,
		Annotations:       map[string]string{annotationTimeout: "0"},
		ValidArgsFunction: completeObjects,
		RunE:              app.runUnlimited(func(ctx context.Context, args []string) error { return runBackfill(ctx, app, o, args) }),
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.subscriptions, "for-subscriptions", false, "select the objects of active subscriptions")
	flags.Var((*patterns)(&o.choice.Filter.Events), "event", "limit --for-subscriptions to an event, such as 'order.*'")
	flags.Var((*patterns)(&o.choice.Filter.Targets), "target", "limit --for-subscriptions to a target, such as '*.example.no'")
	flags.Var((*moment)(&o.choice.ChangedSince), "since", "only customers and suppliers changed since TIME, such as 2d")
	flags.Var((*moment)(&o.choice.From), "from", "only objects dated on or after TIME")
	flags.Var((*moment)(&o.choice.To), "to", "only objects dated before TIME")
	flags.StringVar(&o.choice.Fields, "fields", "", "deliver `FIELDS` instead of the fields of the subscriptions")
	flags.BoolVar(&o.dryRun, "dry-run", false, "count and deliver nothing; exit with 1 if objects are missing")
	flags.BoolVar(&o.deletes, "deletes", false, "deliver gone objects as deleted")
	flags.StringVar(&o.forwardTo, "forward-to", "", "forward to the app at `URL`")
	flags.BoolVar(&o.allowRemote, "allow-remote", false, "allow an app on another machine")
	flags.StringVar(&o.hmacFile, "hmac-secret-file", "", "sign deliveries with the secret in `FILE` (- for stdin)")
	bindJournal(cmd, &o.journal)
	o.fleet.bind(cmd)
	return cmd
}

// read validates the flags, and returns the app to forward to; nil without --forward-to.
func (o *backfillOptions) read(
	ctx context.Context, r credentials.Reader, redact func(string) string, args []string,
) (receiver.App, error) {
	from, to := o.choice.From, o.choice.To
	switch {
	case o.subscriptions && len(args) > 0:
		return nil, usageFailure("--for-subscriptions cannot be combined with objects")
	case !o.subscriptions && len(args) == 0:
		return nil, usageFailure("no objects selected").withHint("name objects, such as customer, or pass --for-subscriptions")
	case !o.subscriptions && len(o.choice.Filter.Events)+len(o.choice.Filter.Targets) > 0:
		return nil, usageFailure("--event and --target require --for-subscriptions")
	case o.deletes && (!o.choice.ChangedSince.IsZero() || !from.IsZero() || !to.IsZero()):
		return nil, usageFailure("--deletes cannot be combined with --since, --from or --to").
			withHint("only a list of all objects shows which are gone")
	case o.dryRun && o.deletes:
		return nil, usageFailure("--dry-run cannot be combined with --deletes")
	case o.dryRun && o.forwardTo != "":
		return nil, usageFailure("--dry-run cannot be combined with --forward-to")
	case o.allowRemote && o.forwardTo == "":
		return nil, usageFailure("--allow-remote requires --forward-to")
	case !from.IsZero() && !to.IsZero() && !from.Before(to):
		return nil, usageFailure("--from %s is not before --to %s", from.Format(time.DateOnly), to.Format(time.DateOnly))
	}
	for _, arg := range args {
		kind, ok := tripletex.FindObjectKind(arg)
		if !ok {
			return nil, unknownObject(arg)
		}
		if err := o.choice.Check(kind); err != nil {
			return nil, err
		}
		if o.deletes && kind.Deleted == "" {
			return nil, usageFailure("--deletes has no effect for %s, which has no event for deletions", kind.Name)
		}
		if !slices.ContainsFunc(o.choice.Kinds, func(k tripletex.ObjectKind) bool { return k.Name == kind.Name }) {
			o.choice.Kinds = append(o.choice.Kinds, kind)
		}
	}
	given, err := (&secretFlags{hmacFile: o.hmacFile}).read(ctx, r)
	if err != nil {
		return nil, err
	}
	o.secret = given.hmac
	if o.forwardTo == "" {
		return nil, nil
	}
	target, err := receiver.OpenTarget(ctx, o.forwardTo, receiver.TargetOptions{
		AllowRemote: o.allowRemote, Parallel: receiver.DefaultParallel, Redact: redact,
	})
	if err != nil {
		return nil, err
	}
	return target, nil
}

func objectNames() []string {
	kinds := tripletex.ObjectKinds()
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.Name
	}
	return names
}

func unknownObject(name string) error {
	f := usageFailure("unknown object %q", name)
	if near := match.Nearest(name, objectNames()); len(near) > 0 {
		return f.withHint("did you mean %s?", strings.Join(near, " or "))
	}
	return f.withHint("pass one of %s", strings.Join(objectNames(), ", "))
}

func completeObjects(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	rest := slices.DeleteFunc(objectNames(), func(name string) bool { return slices.Contains(args, name) })
	return rest, cobra.ShellCompDirectiveNoFileComp
}

func runBackfill(ctx context.Context, app *App, o *backfillOptions, args []string) error {
	ctx, cancel := app.limited(ctx)
	defer cancel()
	to, err := o.read(ctx, app.secrets(), app.redactor.Redact, args)
	if err != nil {
		return err
	}
	run, err := o.fleet.selectAccounts(ctx, app)
	if err != nil {
		return err
	}
	folder, err := journalFolder(app.lookup, o.journal)
	if err != nil {
		return err
	}
	j, owned, err := backfill.OpenJournal(folder, to != nil)
	if err != nil {
		return err
	}
	err = o.store(ctx, &app.console, app.settings, j, run)
	if !o.dryRun && !errors.Is(err, context.Canceled) {
		if forwardErr := o.forward(ctx, &app.console, j, to, owned); err == nil {
			err = forwardErr
		}
	}
	if closeErr := j.Close(); err == nil && closeErr != nil {
		err = localFailure("close the journal", closeErr)
	}
	return err
}

// store finds and stores missing deliveries in every company, and prints the result.
func (o *backfillOptions) store(
	ctx context.Context, c *console, settings *config.Settings, j *journal.Journal, run *fleetRun,
) error {
	progress := c.terminal.Status.Count(0, "objects")
	work := func(ctx context.Context, m fleet.Account) ([]backfill.Result, error) {
		b := backfill.Run{
			Client: m.Client, Journal: j, Company: m.CompanyID, Secret: o.secret,
			Report: o.dryRun, Deletes: o.deletes, Seen: progress.Add,
		}
		return b.All(ctx, o.choice)
	}
	var rows []backfilledRow
	failed, err := inAccounts(ctx, run, work, func(m fleet.Account, results []backfill.Result) error {
		rows = append(rows, o.rows(c, settings, m, results)...)
		return nil
	})
	progress.End()
	if err == nil {
		err = run.End(failed, run.Count(), len(rows) == 0)
	}
	if len(rows) > 0 {
		if printErr := output.List(ctx, c.printer, backfillTable(o.fleet.Many()), rows); printErr != nil {
			return printErr
		}
	}
	if err == nil {
		err = o.result(c.note, rows)
	}
	return err
}

// rows returns the rows of a company, and notes the errors of single kinds.
func (o *backfillOptions) rows(c *console, settings *config.Settings, m fleet.Account, results []backfill.Result) []backfilledRow {
	rows := make([]backfilledRow, len(results))
	for i, r := range results {
		rows[i] = backfilledRow{Counts: r.Counts}
		if o.fleet.Many() {
			rows[i].maybeOfCompany = maybeOfCompany(m.Named())
		}
		if r.Err == nil {
			continue
		}
		if rows[i].Error = describe(settings, r.Err).text(); len(results) > 1 {
			c.note("%s: %s", r.Object, rows[i].Error)
		}
	}
	return rows
}

// result notes gone objects that were not delivered, and returns an error if a dry run found differences.
func (o *backfillOptions) result(note func(string, ...any), rows []backfilledRow) error {
	var all backfill.Counts
	for _, row := range rows {
		all.Missing, all.Newer, all.Gone = all.Missing+row.Missing, all.Newer+row.Newer, all.Gone+row.Gone
	}
	switch {
	case o.dryRun && !all.InStep():
		return failf(codeDifferences, "objects differ from the deliveries: %d missing, %d newer, %d gone",
			all.Missing, all.Newer, all.Gone)
	case all.Gone > 0 && !o.deletes:
		note("%s not delivered; to deliver them: --deletes", terminal.Count(all.Gone, "gone object"))
	}
	return nil
}

// forward forwards the pending deliveries of a journal to the app, unless another program owns the journal.
func (o *backfillOptions) forward(ctx context.Context, c *console, j *journal.Journal, to receiver.App, owned bool) error {
	pending := journal.Filter{States: []journal.State{journal.Pending}}
	waiting, err := j.Count(ctx, pending)
	switch {
	case err != nil || waiting == 0:
		return err
	case to == nil:
		c.note("%s pending; to forward them: %s, or --forward-to", terminal.Count(waiting, "delivery"), c.given.line("listen"))
		return nil
	case !owned:
		c.note("%s pending; the running tlxhook listen forwards them", terminal.Count(waiting, "delivery"))
		return nil
	}
	progress := c.terminal.Status.Count(int(waiting), "deliveries")
	accepted, stopped := receiver.ForwardAll(ctx, j, to, progress.Step)
	progress.End()
	left, err := j.Count(context.WithoutCancel(ctx), pending)
	if err != nil {
		return err
	}
	c.note("Forwarded %d of %s", accepted, terminal.Count(accepted+left, "delivery"))
	switch {
	case left == 0:
		return nil
	case stopped != nil && !errors.Is(stopped, receiver.ErrSilent):
		return fmt.Errorf("forward: stopped with %s pending: %w", terminal.Count(left, "delivery"), stopped)
	}
	return notAccepted(fmt.Errorf("the app did not accept %s", terminal.Count(left, "delivery")), accepted > 0,
		advice("run the command again, or %s, to forward the pending deliveries", command{"listen"}))
}

// backfilledRow is the result of one kind of objects.
type backfilledRow struct {
	maybeOfCompany
	backfill.Counts
	// Error is the cause of an incomplete comparison.
	Error string `json:"error,omitempty" table:"ERROR,detail"`
}

func backfillTable(many bool) output.Table[backfilledRow] {
	table := output.TableOf[backfilledRow](nil)
	if many {
		return inCompany(table, func(v *backfilledRow) *backfilledRow { return v })
	}
	return table
}
