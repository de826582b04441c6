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
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// backfillOptions are the flags of backfill.
type backfillOptions struct {
	choice        backfill.Choice
	subscriptions bool
	fleet         fleetFlags
	report        bool
	deletes       bool
	forwardTo     string
	allowRemote   bool
	journal       string
	hmacFile      string
	secret        secret.Text
}

const backfillLong = `Find what webhooks have skipped, and deliver it. The objects that Tripletex has
are listed and held against what the deliveries in the journal have brought:
what no delivery told of is delivered as created, and what has a newer version
as updated, each as the webhook would have delivered it, with the header
X-Tlxhook-Backfill: true. A second run delivers nothing twice; one that was cut
off goes on where it was.

The objects are account, closeGroup, contact, customer, employee, invoice,
order, product, project, supplier and voucher. --for-subscriptions takes those
that active subscriptions are about, and delivers only what these ask for;
--event and --target choose among the subscriptions.

What lacks is stored in the journal, and forwarded from there in order for each
object: by the tlxhook listen that uses the journal, or else to --forward-to. It
is signed with the secret of --hmac-secret-file or TLXHOOK_HMAC_SECRET, if there
is one.

What deliveries have brought and Tripletex has no more is counted as gone, and
delivered as deleted only with --deletes. Of customer and supplier --since lists
only what has changed since then; closeGroup, invoice, order and voucher are
listed by date, which --from and --to narrow. What a narrowed list leaves out
does not count as gone.

--report delivers nothing, and exits with 1 where something lacks.
`

func newBackfill(app *App) *cobra.Command {
	o := &backfillOptions{}
	cmd := &cobra.Command{
		Use:   "backfill [OBJECT...]",
		Short: "Find and deliver what webhooks have skipped",
		Long:  backfillLong + fleetHelp,
		Example: `  tlxhook backfill customer order --forward-to http://localhost:3000/hook
  tlxhook backfill --for-subscriptions --deletes
  tlxhook backfill --for-subscriptions --report -o json
  tlxhook backfill customer --since 2d`,
		Annotations:       map[string]string{annotationTimeout: "0"},
		ValidArgsFunction: completeObjects,
		RunE:              app.runUnlimited(func(ctx context.Context, args []string) error { return runBackfill(ctx, app, o, args) }),
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.subscriptions, "for-subscriptions", false, "choose the objects that active subscriptions are about")
	flags.Var((*patterns)(&o.choice.Filter.Events), "event", "only for subscriptions to an event, such as 'order.*'")
	flags.Var((*patterns)(&o.choice.Filter.Targets), "target", "only for subscriptions with a target, such as '*.example.no'")
	flags.Var((*moment)(&o.choice.ChangedSince), "since", "of customer and supplier: changed since then")
	flags.Var((*moment)(&o.choice.From), "from", "of what is listed by date: dated then or later")
	flags.Var((*moment)(&o.choice.To), "to", "of what is listed by date: dated before")
	flags.StringVar(&o.choice.Fields, "fields", "", "deliver these `FIELDS`, not those of the subscriptions")
	flags.BoolVar(&o.report, "report", false, "only count; exit with 1 where something lacks")
	flags.BoolVar(&o.deletes, "deletes", false, "deliver, too, what is gone")
	flags.StringVar(&o.forwardTo, "forward-to", "", "forward to the app at `URL`")
	flags.BoolVar(&o.allowRemote, "allow-remote", false, "let the app be on another machine")
	flags.StringVar(&o.hmacFile, "hmac-secret-file", "", "sign deliveries with the secret in a `FILE`; - is stdin")
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
		return nil, usageFailure("--for-subscriptions and objects exclude each other")
	case !o.subscriptions && len(args) == 0:
		return nil, usageFailure("no objects are chosen").withHint("name them, such as customer, or say --for-subscriptions")
	case o.report && o.deletes:
		return nil, usageFailure("--report delivers nothing: it excludes --deletes")
	case o.report && o.forwardTo != "":
		return nil, usageFailure("--report delivers nothing: it excludes --forward-to")
	case !from.IsZero() && !to.IsZero() && !from.Before(to):
		return nil, usageFailure("--from %s is not before --to %s", from.Format(time.DateOnly), to.Format(time.DateOnly))
	}
	for _, arg := range args {
		kind, ok := tripletex.FindObjectKind(arg)
		if !ok {
			return nil, unknownObject(arg)
		}
		o.choice.Kinds = append(o.choice.Kinds, kind)
	}
	dated := o.subscriptions || slices.ContainsFunc(o.choice.Kinds, func(k tripletex.ObjectKind) bool { return k.Dated })
	if !dated && (!from.IsZero() || !to.IsZero()) {
		return nil, usageFailure("--from and --to narrow what is listed by date, and nothing of that is chosen").
			withHint("--since narrows others")
	}
	var read secrets
	if err := (&secretFlags{hmacFile: o.hmacFile}).readHMAC(ctx, r, &read, true); err != nil {
		return nil, err
	}
	o.secret = read.hmac
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
	f := usageFailure("there are no objects %q", name)
	if near := match.Nearest(name, objectNames()); len(near) > 0 {
		return f.withHint("did you mean %s?", strings.Join(near, " or "))
	}
	return f.withHint("there are %s", strings.Join(objectNames(), ", "))
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
	if !o.report && !errors.Is(err, context.Canceled) {
		if forwardErr := o.forward(ctx, &app.console, j, to, owned); err == nil {
			err = forwardErr
		}
	}
	if closeErr := j.Close(); err == nil && closeErr != nil {
		err = localFailure("close the journal", closeErr)
	}
	return err
}

// store finds and stores what is missing in every company, and prints the result.
func (o *backfillOptions) store(
	ctx context.Context, c *console, settings *config.Settings, j *journal.Journal, run *fleetRun,
) error {
	progress := c.terminal.Status.Count(0, "objects")
	work := func(ctx context.Context, m fleet.Account) ([]backfill.Result, error) {
		b := backfill.Run{
			Client: m.Client, Journal: j, Company: m.CompanyID, Secret: o.secret,
			Report: o.report, Deletes: o.deletes, Seen: progress.Add,
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
		if printErr := output.List(context.WithoutCancel(ctx), c.printer, backfillTable(o.fleet.Many()), rows); printErr != nil {
			return printErr
		}
	}
	if err == nil {
		err = o.verdict(c.note, rows)
	}
	return err
}

// rows returns the rows of a company, and notes the kinds that failed beside others.
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

// verdict notes deleted objects that were not delivered, and returns an error where a report found differences.
func (o *backfillOptions) verdict(note func(string, ...any), rows []backfilledRow) error {
	var all backfill.Counts
	for _, row := range rows {
		all.Missing, all.Newer, all.Gone = all.Missing+row.Missing, all.Newer+row.Newer, all.Gone+row.Gone
	}
	switch {
	case o.report && !all.InStep():
		return failf(codeDifferences, "deliveries have not brought everything: %d missing, %d newer, %d gone",
			all.Missing, all.Newer, all.Gone)
	case all.Gone > 0 && !o.deletes:
		note("%d gone, which nobody is told of; --deletes delivers that", all.Gone)
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
		c.note("%s in the journal for tlxhook listen to forward; --forward-to does it where none runs", deliveries(waiting))
		return nil
	case !owned:
		c.note("%s in the journal for the tlxhook listen that uses it: it forwards, and not this run", deliveries(waiting))
		return nil
	}
	progress := c.terminal.Status.Count(int(waiting), "deliveries")
	accepted, stopped := receiver.ForwardAll(ctx, j, to, progress.Step)
	progress.End()
	left, err := j.Count(context.WithoutCancel(ctx), pending)
	if err != nil {
		return err
	}
	c.note("%d of %s accepted", accepted, deliveries(accepted+left))
	switch {
	case left == 0:
		return nil
	case stopped != nil && !errors.Is(stopped, receiver.ErrSilent):
		return fmt.Errorf("stopped with %s to be forwarded: %w", deliveries(left), stopped)
	}
	return notAccepted(fmt.Errorf("the app has not accepted %s", deliveries(left)), accepted > 0,
		"they wait in the journal: the same command goes on with them, as does tlxhook listen")
}

// backfilledRow is the result of one kind of objects.
type backfilledRow struct {
	maybeOfCompany
	backfill.Counts
	// Error is why the kind was not compared completely.
	Error string `json:"error,omitempty" table:"ERROR,detail"`
}

func backfillTable(many bool) output.Table[backfilledRow] {
	table := output.TableOf[backfilledRow](nil)
	if many {
		return inCompany(table, func(v *backfilledRow) *backfilledRow { return v })
	}
	return table
}
