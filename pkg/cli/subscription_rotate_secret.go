package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

func newSubscriptionRotateSecret(app *App) *cobra.Command {
	o := &changeOptions{}
	cmd := &cobra.Command{
		Use:   "rotate-secret [ID...]",
		Short: "Replace the HMAC secret or the auth header",
		Long: `Replace the secret that signs deliveries, or the value of the auth header.

Tripletex stores one secret per subscription, and retries deliveries for 30
hours with the old signature. Before you rotate, let the receiver accept both
secrets; remove the old one two days later. More than one subscription needs a
confirmation, or --yes without a terminal.
` + selectionHelp + "\n" + fleetHelp + "\n" + secretHelp,
		Example: `  tlxhook subscription rotate-secret --all --generate-hmac-secret hmac.secret
  tlxhook subscription rotate-secret 4711 --hmac-secret-file new.secret
  pass show hooks/new | tlxhook subscription rotate-secret \
    --target hooks.example.no --auth-value-file -`,
		RunE: app.runUnlimited(func(ctx context.Context, args []string) error { return subscriptionRotate(ctx, app, o, args) }),
	}
	o.selection.bind(cmd, true)
	cmd.ValidArgsFunction = app.complete.subscriptions
	o.bindRun(cmd)
	o.secrets.bind(cmd)
	return cmd
}

func subscriptionRotate(ctx context.Context, app *App, o *changeOptions, args []string) error {
	if err := o.selection.read(args, true, o.fleet.Many()); err != nil {
		return err
	}
	given, err := o.readSecret(ctx, app.secrets())
	if err != nil {
		return err
	}
	change := tripletex.SubscriptionUpdate{AuthHeaderName: given.authHeader, AuthHeaderValue: given.authValue, HMACSharedSecret: given.hmac}
	return o.send(ctx, app, change, verb{prompt: "Replace the secret of", past: "rotated the secret of"})
}

// readSecret reads the new secret from a flag, the environment or a prompt.
func (o *changeOptions) readSecret(ctx context.Context, r credentials.Reader) (secrets, error) {
	given, err := o.secrets.readFlags(ctx, r)
	if err == nil && given.hmac == "" && given.authValue == "" {
		given.hmac, err = r.Variable(ctx, hmacVariable)
	}
	if err != nil || given.hmac != "" || given.authValue != "" {
		return given, err
	}
	if r.Ask == nil {
		return given, usageFailure("no new secret").
			withHint("pass --hmac-secret-file, TLXHOOK_HMAC_SECRET or --generate-hmac-secret FILE")
	}
	given.hmac, err = r.PromptNew(ctx, "New HMAC secret")
	return given, err
}
