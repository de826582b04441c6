package cli

import (
	"cmp"
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
		Short: "Update subscriptions",
		Long: `Update subscriptions. Properties without a flag keep their values. A
subscription that was changed since it was read is not updated (exit code 6).

Select subscriptions by ID, or by --event, --where-target and --where-status;
--target and --status are new values. The HMAC secret of the environment is not
used here: use rotate-secret. More than one subscription needs a confirmation,
or --yes without a terminal.
` + fleetHelp + "\n" + secretHelp,
		Example: `  tlxhook subscription update 4711 --fields id,version,number
  tlxhook subscription update --where-target old.example.no \
    --target https://new.example.no/tripletex --dry-run
  tlxhook subscription update --event 'order.*' --status DISABLED`,
		RunE: app.runUnlimited(func(ctx context.Context, args []string) error { return subscriptionUpdate(ctx, app, o, args) }),
	}
	flags := cmd.Flags()
	flags.StringVar(&o.target, "target", "", "new target, an https `URL`")
	flags.StringVar(&o.fields, "fields", "", "`FIELDS` to deliver; '' for the whole object")
	flags.StringVar(&o.status, "status", "", "new `STATUS`: ACTIVE or DISABLED")
	flags.Var((*patterns)(&o.selection.filter.Events), "event", "filter by event `PATTERN`, such as 'order.*'")
	flags.Var((*patterns)(&o.selection.filter.Targets), "where-target", "filter by target `PATTERN`, such as '*.example.no'")
	flags.Var((*patterns)(&o.selection.filter.Statuses), "where-status", "filter by status `PATTERN`, such as 'DISABLED*'")
	flags.BoolVar(&o.selection.all, "all", false, "select every subscription")
	o.bindRun(cmd)
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
	return o.send(ctx, app, change, verb{prompt: "Update", past: "updated", detail: o.detail(app.target)})
}

// detail names the new values for the prompt. Secrets are named without their values.
func (o *updateOptions) detail(show func(string) string) string {
	var parts []string
	for _, one := range []struct{ name, value string }{
		{"target", show(o.target)}, {"status", strings.ToUpper(o.status)}, {"auth header", o.secrets.authHeader},
	} {
		if one.value != "" {
			parts = append(parts, one.name+" "+one.value)
		}
	}
	if o.setFields {
		parts = append(parts, "fields "+cmp.Or(o.fields, "of the whole object"))
	}
	return strings.Join(parts, ", ")
}

// change returns the update that the flags describe, without ID and version.
func (o *updateOptions) change(ctx context.Context, r credentials.Reader) (tripletex.SubscriptionUpdate, error) {
	change := tripletex.SubscriptionUpdate{TargetURL: o.target, Status: tripletex.Status(strings.ToUpper(o.status))}
	if o.setFields {
		change.Fields = &o.fields
	}
	if o.status != "" && !slices.Contains(tripletex.Statuses(), change.Status) {
		return change, usageFailure("status %q does not exist", o.status).withHint("use ACTIVE or DISABLED")
	}
	given, err := o.secrets.readFlags(ctx, r)
	if err != nil {
		return change, err
	}
	change.AuthHeaderName, change.AuthHeaderValue, change.HMACSharedSecret = given.authHeader, given.authValue, given.hmac
	if change == (tripletex.SubscriptionUpdate{}) {
		return change, usageFailure("nothing to change").
			withHint("pass --target, --fields, --status, --auth-header or --hmac-secret-file")
	}
	return change, nil
}
