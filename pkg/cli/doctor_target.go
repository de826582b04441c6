package cli

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/doctor"
)

func newDoctorTarget(app *App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "target URL|ID",
		Short: "Diagnose whether a target can receive deliveries",
		Long: `Diagnose whether a target can receive deliveries: DNS, connection, certificate,
response, redirects and latency, as seen from this machine. One HEAD request is
sent, without credentials. An ID selects the target of a subscription.`,
		Example: `  tlxhook doctor target https://hooks.example.no/tripletex
  tlxhook doctor target 4711 -o json`,
		Args:              oneArg("target"),
		ValidArgsFunction: app.complete.subscriptions,
		RunE:              app.run(func(ctx context.Context, args []string) error { return doctorTarget(ctx, app, args[0]) }),
	}
	return cmd
}

func doctorTarget(ctx context.Context, app *App, text string) error {
	target := &doctor.Target{URL: text}
	if id, err := strconv.ParseInt(text, 10, 64); err == nil {
		client, err := app.logins().Client(ctx)
		if err != nil {
			return err
		}
		s, err := client.Subscription(ctx, id)
		if err != nil {
			return err
		}
		target.URL = s.TargetURL
	}
	found, err := printFindings(ctx, &app.console, app.redactor.Redact, doctor.Examine(ctx, target.Checks()))
	if err != nil {
		return err
	}
	return healthy(ctx, found)
}
