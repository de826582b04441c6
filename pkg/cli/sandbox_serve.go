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
		Short: "Serve the sandbox on a port, for clients of any language",
		Long: `Serve the sandbox on a port of this machine, for clients of any language, until
it is stopped. While it runs, every tlxhook command with -p sandbox uses it.

It delivers: what is created, changed or deleted with POST, PUT and DELETE on
/v2/customer, /v2/order and so on, and what tlxhook sandbox emit makes happen,
goes to the subscriptions, signed, to this machine alone. What fails is tried
again for 30 hours, and a subscription that has failed for a week is switched
off: hours that pass faster here, a week in a minute unless --speed says
otherwise.

The tokens that it accepts are printed; they are no secrets.`,
		Example: `  tlxhook sandbox serve
  tlxhook sandbox serve --addr 127.0.0.1:9000 -o json
  tlxhook sandbox serve --speed 1`,
		Args:        noArgs,
		Annotations: map[string]string{annotationTimeout: "0s"},
		RunE:        app.runUntilStopped(func(ctx context.Context, _ []string) error { return sandboxServe(ctx, app, o) }),
	}
	cmd.Flags().StringVar(&o.Address, "addr", "127.0.0.1:8090", "where to listen: a loopback `ADDRESS`")
	cmd.Flags().Float64Var(&o.Speed, "speed", sandbox.DefaultSpeed, "how many times faster retries and switching off are")
	return cmd
}

// servedSandbox is what sandbox serve prints once it listens.
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
		app.note("%s subscription %d is switched off: a week of failures", terminal.LocalTime(time.Now()), id)
	}
	o.Ready = func(baseURL string) {
		printed = output.Item(ctx, app.printer, output.TableOf[servedSandbox](nil), servedSandbox{
			baseURL, sandbox.ConsumerToken, sandbox.EmployeeToken, sandbox.AccountantToken, sandbox.RefreshToken,
		})
		if printed != nil {
			cancel()
		}
		app.note("stop it with Ctrl-C")
	}
	err = sandbox.Serve(ctx, folder, o)
	switch {
	case printed != nil:
		return printed
	case errors.Is(err, sandbox.ErrServed):
		return fail(codeConflict, err).withHint("stop the other one first, or use it: -p sandbox")
	case errors.Is(err, sandbox.ErrNotLocal):
		return usageFailure("%w", err)
	case err != nil && !errors.Is(err, sandbox.ErrState):
		return localFailure("serve the sandbox", err)
	}
	return err
}

// attemptLine returns the result of an attempt to deliver as a line.
func attemptLine(t sandbox.Attempt, show func(string) string) string {
	row := newAttemptRow(t, show)
	said := fmt.Sprintf("%s %d to %s: %s", row.Event, row.ObjectID, row.TargetURL, row.outcome())
	if row.Attempt > 1 {
		said += fmt.Sprintf(", attempt %d", row.Attempt)
	}
	switch {
	case row.Delivered:
		return said
	case t.Retry.IsZero():
		return said + ", given up"
	}
	return said + ", again in " + time.Until(t.Retry).Round(time.Millisecond).String()
}
