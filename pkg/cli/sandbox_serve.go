package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/login"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

func newSandboxServe(app *App) *cobra.Command {
	o := &serveOptions{}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the sandbox over HTTP",
		Long: `Serve the sandbox over HTTP, for clients in any language, until stopped. While
it runs, all tlxhook commands with -p sandbox use it. Settings for clients are
printed. The tokens are not secret.

Changes are delivered to the subscriptions: objects that are created, changed or
deleted with POST, PUT and DELETE on /v2/customer, /v2/order and others, and
events of tlxhook sandbox emit. Deliveries are signed and go to loopback
addresses and to the hosts of --deliver-to.

Addresses that other machines can reach require --expose. Every client that
reaches the address can change the sandbox and cause deliveries.

Failed deliveries are retried for 30 hours. A subscription is disabled after a
week of failures. This time runs faster than the clock: with the default --speed
a week takes one minute.

  POST   /sandbox/emit    emit events: {"event":"order.create"}
  POST   /sandbox/reset   create a new sandbox; --switch values are kept
  GET, POST, DELETE /sandbox/faults   list, add or remove faults
  GET    /sandbox/health  200 while the state can be read

Each flag has a variable, for containers: TLXHOOK_SANDBOX_ADDR,
TLXHOOK_SANDBOX_EXPOSE, TLXHOOK_SANDBOX_DELIVER_TO, TLXHOOK_SANDBOX_SWITCH,
TLXHOOK_SANDBOX_FROM, TLXHOOK_SANDBOX_SPEED.`,
		Example: `  tlxhook sandbox serve
  tlxhook sandbox serve --addr 127.0.0.1:9000 -o json
  tlxhook sandbox serve --addr 0.0.0.0:8099 --expose --deliver-to app:3000 \
    --switch http-target=allow`,
		Args:        noArgs,
		Annotations: map[string]string{annotationTimeout: "0s"},
	}
	cmd.RunE = app.runUntilStopped(func(ctx context.Context, _ []string) error {
		if err := setFromEnvironment(cmd, app.lookup); err != nil {
			return err
		}
		return sandboxServe(ctx, app, o)
	})
	flags := cmd.Flags()
	flags.StringVar(&o.Address, "addr", "127.0.0.1:8090", "listen on `HOST:PORT`")
	flags.BoolVar(&o.Expose, "expose", false, "allow addresses that other machines can reach")
	flags.StringSliceVar((*[]string)(&o.DeliverTo), "deliver-to", nil,
		"deliver also to `HOST` or HOST:PORT, with * for any text; repeatable")
	o.bind(cmd)
	flags.Float64Var(&o.Speed, "speed", sandbox.DefaultSpeed, "speed up retries and disabling by `FACTOR`, 1 to 1000000")
	return cmd
}

// serveOptions are the flags of sandbox serve.
type serveOptions struct {
	sandbox.ServeOptions
	switchFlags
}

// setFromEnvironment sets the flags of a command that are not given from their variables. An empty variable is ignored.
func setFromEnvironment(cmd *cobra.Command, lookup config.Lookup) error {
	var failed error
	cmd.LocalNonPersistentFlags().VisitAll(func(flag *pflag.Flag) {
		name := config.SandboxVariable(flag.Name)
		if value, ok := lookup(name); ok && value != "" && !flag.Changed && failed == nil {
			if err := cmd.Flags().Set(flag.Name, value); err != nil {
				failed = usageFailure("%s: invalid value %q for --%s", name, value, flag.Name)
			}
		}
	})
	return failed
}

// servedSandbox is the result of sandbox serve, printed when it accepts connections.
type servedSandbox struct {
	BaseURL         string `json:"baseUrl" table:"ADDRESS"`
	ConsumerToken   string `json:"consumerToken" table:"CONSUMER TOKEN"`
	EmployeeToken   string `json:"employeeToken" table:"EMPLOYEE TOKEN"`
	AccountantToken string `json:"accountantToken" table:"ACCOUNTANT TOKEN"`
	RefreshToken    string `json:"refreshToken" table:"REFRESH TOKEN"`
	ControlURL      string `json:"controlUrl" table:"CONTROL"`
}

func sandboxServe(ctx context.Context, app *App, o *serveOptions) error {
	if o.Speed < 1 || o.Speed > 1e6 {
		return usageFailure("--speed must be between 1 and 1000000")
	}
	ctx, cancel := app.limited(ctx)
	defer cancel()
	var err error
	if o.Switches, err = o.read(ctx); err != nil {
		return err
	}
	if err := o.DeliverTo.Check(); err != nil {
		return usageFailure("--deliver-to %w", err)
	}
	folder, err := login.SandboxFolder(app.lookup)
	if err != nil {
		return err
	}
	var printed error
	o.Attempted = func(a sandbox.Attempt) {
		app.note("%s %s", terminal.LocalTime(time.Now()), attemptLine(a, app.target))
	}
	o.Disabled = func(id int64) {
		app.note("%s Subscription %d disabled after a week of failures", terminal.LocalTime(time.Now()), id)
	}
	o.Ready = func(baseURL string) {
		if printed = printServed(ctx, app, baseURL); printed != nil {
			cancel()
		}
	}
	err = sandbox.Serve(ctx, folder, o.ServeOptions)
	if printed != nil {
		return printed
	}
	return serveFailure(err, o.Address)
}

func serveFailure(err error, address string) error {
	switch {
	case errors.Is(err, sandbox.ErrServed):
		return fail(codeConflict, err).withHint("use the running sandbox with -p sandbox, or stop it first")
	case errors.Is(err, sandbox.ErrExposed):
		return usageFailure("--addr %s: %w", address, err).withHint("pass --expose to allow it, in a network that you trust")
	case errors.Is(err, sandbox.ErrAddress):
		return usageFailure("--addr %q: %w", address, err)
	case err != nil && !errors.Is(err, sandbox.ErrState):
		return fmt.Errorf("serve the sandbox: %w", err)
	}
	return err
}

// printServed prints the address and the tokens, and settings for clients.
func printServed(ctx context.Context, app *App, baseURL string) error {
	control := strings.TrimSuffix(baseURL, "/v2") + sandbox.ControlPath
	err := output.Item(ctx, app.printer, output.TableOf[servedSandbox](nil), servedSandbox{
		baseURL, sandbox.ConsumerToken, sandbox.EmployeeToken, sandbox.AccountantToken, sandbox.RefreshToken, control,
	})
	day := time.Now().AddDate(0, 0, 7).Format(time.DateOnly)
	app.note("%s", strings.NewReplacer("{base}", baseURL, "{control}", control, "{consumer}", sandbox.ConsumerToken,
		"{employee}", sandbox.EmployeeToken, "{day}", day).Replace(clientSettings))
	app.note("Ready. Press Ctrl-C to quit.")
	return err
}

// clientSettings are settings for clients, ready to paste into a shell and into a Go program.
const clientSettings = `
tlxhook:
  export TLXHOOK_PROFILE=sandbox TLXHOOK_BASE_URL={base}

curl:
  token=$(curl -fsS {base}/token/session/:create -H 'Content-Type: application/json' -d '
    {"consumerToken":"{consumer}","employeeToken":"{employee}","expirationDate":"{day}"}' |
    sed 's/.*"token":"\([^"]*\)".*/\1/')
  curl -fsS -u "0:$token" {base}/event/subscription
  curl -fsS {control}/emit -d '{"event":"order.create"}'

Go:
  client, err := tripletex.New(tripletex.Options{BaseURL: "{base}", PlainHTTP: true,
    Credentials: tripletex.Credentials{ConsumerToken: "{consumer}", EmployeeToken: "{employee}"}.Get})
`

// attemptLine describes a delivery attempt in one line.
func attemptLine(t sandbox.Attempt, show func(string) string) string {
	row := attemptRow{t.Record(show)}
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
