package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/login"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

func newSandboxServe(app *App) *cobra.Command {
	o := sandbox.ServeOptions{}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the sandbox over HTTP",
		Long: `Serve the sandbox over HTTP on this machine, for clients in any language, until
stopped. Meanwhile all tlxhook commands with -p sandbox use it.

Changes are delivered to the subscriptions: objects that are created, changed or
deleted with POST, PUT and DELETE on /v2/customer, /v2/order and others, and
events of tlxhook sandbox emit. Deliveries are signed and go to loopback
addresses only.

Failed deliveries are retried for 30 hours. A subscription is disabled after a
week of failures. This time runs faster than the clock: with the default --speed
a week takes one minute.

The tokens that the sandbox accepts are printed. They are not secret.`,
		Example: `  tlxhook sandbox serve
  tlxhook sandbox serve --addr 127.0.0.1:9000 -o json
  tlxhook sandbox serve --speed 1`,
		Args:        noArgs,
		Annotations: map[string]string{annotationTimeout: "0s"},
		RunE:        app.runUntilStopped(func(ctx context.Context, _ []string) error { return sandboxServe(ctx, app, o) }),
	}
	cmd.Flags().StringVar(&o.Address, "addr", "127.0.0.1:8090", "loopback `ADDRESS` to listen on")
	cmd.Flags().Float64Var(&o.Speed, "speed", sandbox.DefaultSpeed, "speed-up of retries and disabling `FACTOR`, 1 to 1000000")
	return cmd
}

// servedSandbox is the result of sandbox serve, printed when it accepts connections.
type servedSandbox struct {
	BaseURL         string `json:"baseUrl" table:"ADDRESS"`
	ConsumerToken   string `json:"consumerToken" table:"CONSUMER TOKEN"`
	EmployeeToken   string `json:"employeeToken" table:"EMPLOYEE TOKEN"`
	AccountantToken string `json:"accountantToken" table:"ACCOUNTANT TOKEN"`
	RefreshToken    string `json:"refreshToken" table:"REFRESH TOKEN"`
}

func sandboxServe(ctx context.Context, app *App, o sandbox.ServeOptions) error {
	if o.Speed < 1 || o.Speed > 1e6 {
		return usageFailure("--speed must be between 1 and 1000000")
	}
	folder, err := login.SandboxFolder(app.lookup)
	if err != nil {
		return err
	}
	ctx, cancel := app.limited(ctx)
	defer cancel()
	var printed error
	o.Attempted = func(a sandbox.Attempt) {
		app.note("%s %s", terminal.LocalTime(time.Now()), attemptLine(a, app.target))
	}
	o.Disabled = func(id int64) {
		app.note("%s Subscription %d disabled after a week of failures", terminal.LocalTime(time.Now()), id)
	}
	o.Ready = func(baseURL string) {
		printed = output.Item(ctx, app.printer, output.TableOf[servedSandbox](nil), servedSandbox{
			baseURL, sandbox.ConsumerToken, sandbox.EmployeeToken, sandbox.AccountantToken, sandbox.RefreshToken,
		})
		if printed != nil {
			cancel()
		}
		app.note("Ready. Press Ctrl-C to quit.")
	}
	err = sandbox.Serve(ctx, folder, o)
	switch {
	case printed != nil:
		return printed
	case errors.Is(err, sandbox.ErrServed):
		return fail(codeConflict, err).withHint("use the running sandbox with -p sandbox, or stop it first")
	case errors.Is(err, sandbox.ErrNotLocal):
		return usageFailure("%w", err)
	case err != nil && !errors.Is(err, sandbox.ErrState):
		return localFailure("serve the sandbox", err)
	}
	return err
}

// attemptLine describes a delivery attempt in one line.
func attemptLine(t sandbox.Attempt, show func(string) string) string {
	row := newAttemptRow(t, show)
	line := fmt.Sprintf("%s %d to %s: %s", row.Event, row.ObjectID, row.TargetURL, row.outcome())
	if row.Attempt > 1 {
		line += fmt.Sprintf(", attempt %d", row.Attempt)
	}
	switch {
	case row.Delivered:
		return line
	case t.Retry.IsZero():
		return line + ", not retried"
	}
	return line + ", retrying in " + time.Until(t.Retry).Round(time.Millisecond).String()
}
