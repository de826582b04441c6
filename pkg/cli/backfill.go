package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// backfillOptions are the flags of backfill.
type backfillOptions struct {
	kinds         []tripletex.ObjectKind
	subscriptions bool
	filter        match.Filter
	fleet         fleetFlags
	since         time.Time
	from, to      time.Time
	fields        string
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
	flags.Var((*patterns)(&o.filter.Events), "event", "only for subscriptions to an event, such as 'order.*'")
	flags.Var((*patterns)(&o.filter.Targets), "target", "only for subscriptions with a target, such as '*.example.no'")
	complete(cmd, "event", app.completeEvents)
	complete(cmd, "target", app.completeTargets)
	flags.Var(moment{&o.since, time.Now}, "since", "of customer and supplier: changed since then")
	flags.Var(moment{&o.from, time.Now}, "from", "of what is listed by date: dated then or later")
	flags.Var(moment{&o.to, time.Now}, "to", "of what is listed by date: dated before")
	flags.StringVar(&o.fields, "fields", "", "deliver these `FIELDS`, not those of the subscriptions")
	flags.BoolVar(&o.report, "report", false, "only count; exit with 1 where something lacks")
	flags.BoolVar(&o.deletes, "deletes", false, "deliver, too, what is gone")
	flags.StringVar(&o.forwardTo, "forward-to", "", "forward to the app at `URL`")
	flags.BoolVar(&o.allowRemote, "allow-remote", false, "let the app be on another machine")
	flags.StringVar(&o.hmacFile, "hmac-secret-file", "", "sign deliveries with the secret in a `FILE`; - is stdin")
	bindJournal(cmd, &o.journal)
	o.fleet.bind(app, cmd)
	return cmd
}

// read takes the objects, and returns the app to forward to, if there is one.
func (o *backfillOptions) read(ctx context.Context, app *App, args []string) (receiver.App, error) {
	switch {
	case o.subscriptions && len(args) > 0:
		return nil, usageFailure("--for-subscriptions and objects exclude each other")
	case !o.subscriptions && len(args) == 0:
		return nil, usageFailure("no objects are chosen").withHint("name them, such as customer, or say --for-subscriptions")
	case o.report && o.deletes:
		return nil, usageFailure("--report delivers nothing: it excludes --deletes")
	case o.report && o.forwardTo != "":
		return nil, usageFailure("--report delivers nothing: it excludes --forward-to")
	case !o.from.IsZero() && !o.to.IsZero() && !o.from.Before(o.to):
		return nil, usageFailure("--from %s is not before --to %s", o.from.Format(time.DateOnly), o.to.Format(time.DateOnly))
	}
	for _, arg := range args {
		kind, ok := tripletex.FindObjectKind(arg)
		if !ok {
			return nil, unknownObject(arg)
		}
		o.kinds = append(o.kinds, kind)
	}
	dated := o.subscriptions || slices.ContainsFunc(o.kinds, func(k tripletex.ObjectKind) bool { return k.Dated })
	if !dated && (!o.from.IsZero() || !o.to.IsZero()) {
		return nil, usageFailure("--from and --to narrow what is listed by date, and nothing of that is chosen").withHint("--since narrows others")
	}
	var read secrets
	if err := (&secretFlags{hmacFile: o.hmacFile}).readHMAC(ctx, app, &read, true); err != nil {
		return nil, err
	}
	o.secret = read.hmac
	if o.forwardTo == "" {
		return nil, nil
	}
	target, err := receiver.NewTarget(o.forwardTo, receiver.TargetOptions{AllowRemote: o.allowRemote, Parallel: 8})
	if err == nil {
		err = target.Check(ctx)
	}
	if err != nil {
		return nil, remoteHint(err)
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
	return slices.DeleteFunc(objectNames(), func(name string) bool { return slices.Contains(args, name) }), cobra.ShellCompDirectiveNoFileComp
}
