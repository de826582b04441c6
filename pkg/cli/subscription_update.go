package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// updateOptions are the flags of subscription update.
type updateOptions struct {
	changeOptions
	target    string
	fields    string
	setFields bool
	status    string
}

func newSubscriptionUpdate(app *App) *cobra.Command {
	o := &updateOptions{}
	cmd := &cobra.Command{
		Use:   "update [ID...]",
		Short: "Change subscriptions",
		Long: `Change subscriptions, each only if nobody else changed it meanwhile. What no
flag names stays as it is.

Name subscriptions by id, or choose them by --event, --where-target and
--where-status; --target and --status say what to change to. An HMAC secret in
the environment is not used here: rotate-secret does that.
` + fleetHelp + "\n" + secretHelp,
		Example: `  tlxhook subscription update 4711 --fields id,version,number
  tlxhook subscription update --where-target old.example.no \
    --target https://new.example.no/tripletex --dry-run
  tlxhook subscription update --event 'order.*' --status DISABLED`,
		RunE: app.runUnlimited(func(ctx context.Context, args []string) error { return subscriptionUpdate(ctx, app, o, args) }),
	}
	flags := cmd.Flags()
	flags.StringVar(&o.target, "target", "", "the new target: an https `URL`")
	flags.StringVar(&o.fields, "fields", "", "deliver only these `FIELDS`; '' for the whole object")
	flags.StringVar(&o.status, "status", "", "the new `STATUS`: ACTIVE or DISABLED")
	flags.BoolVar(&o.dryRun, "dry-run", false, "print what would be sent, and send nothing")
	flags.Var((*patterns)(&o.selection.filter.Events), "event", "choose by event, such as 'order.*'")
	flags.Var((*patterns)(&o.selection.filter.Targets), "where-target", "choose by target, such as '*.example.no'")
	flags.Var((*patterns)(&o.selection.filter.Statuses), "where-status", "choose by status, such as 'DISABLED*'")
	flags.BoolVar(&o.selection.all, "all", false, "choose every subscription")
	o.fleet.bind(cmd)
	o.secrets.bind(cmd)
	cmd.PreRun = func(cmd *cobra.Command, _ []string) { o.setFields = cmd.Flags().Changed("fields") }
	cmd.ValidArgsFunction = app.complete.subscriptions
	return cmd
}

func subscriptionUpdate(ctx context.Context, app *App, o *updateOptions, args []string) error {
	if err := o.selection.read(args, true, o.fleet.Many()); err != nil {
		return err
	}
	change, err := o.change(ctx, app.secrets())
	if err != nil {
		return err
	}
	return o.send(ctx, app, change, "updated")
}

// change returns what the flags ask for, without id and version.
func (o *updateOptions) change(ctx context.Context, r credentials.Reader) (tripletex.SubscriptionUpdate, error) {
	change := tripletex.SubscriptionUpdate{TargetURL: o.target, Status: tripletex.Status(strings.ToUpper(o.status))}
	if o.setFields {
		change.Fields = &o.fields
	}
	if o.status != "" && !slices.Contains(tripletex.Statuses(), change.Status) {
		return change, usageFailure("status %q does not exist", o.status).withHint("it is ACTIVE or DISABLED")
	}
	if err := o.secrets.check(); err != nil {
		return change, err
	}
	var given secrets
	if err := o.secrets.readAuth(ctx, r, &given); err != nil {
		return change, err
	}
	if err := o.secrets.readHMAC(ctx, r, &given, false); err != nil {
		return change, err
	}
	change.AuthHeaderName, change.AuthHeaderValue, change.HMACSharedSecret = given.authHeader, given.authValue, given.hmac
	if change == (tripletex.SubscriptionUpdate{}) {
		return change, usageFailure("nothing to change").
			withHint("say what with --target, --fields, --status, --auth-header or --hmac-secret-file")
	}
	return change, nil
}
