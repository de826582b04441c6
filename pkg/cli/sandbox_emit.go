package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// emitOptions are the flags of sandbox emit.
type emitOptions struct {
	sandbox.Emission
	fail bool
}

func newSandboxEmit(app *App) *cobra.Command {
	o := &emitOptions{}
	cmd := &cobra.Command{
		Use:   "emit EVENT",
		Short: "Emit an event in the sandbox",
		Long: `Emit an event in the sandbox: create, change or delete an object, and deliver
the event to the matching subscriptions. The result is the first attempt of each
delivery. Failed deliveries are retried by tlxhook sandbox serve.

As in Tripletex, a subscription created less than 2s ago receives nothing. To
change this: tlxhook sandbox reset --switch propagation=0s.

Changes of the same object at the same time result in one delivery. Use --rate
to space them.`,
		Example: `  tlxhook sandbox emit order.create
  tlxhook sandbox emit customer.update --id 4713
  tlxhook sandbox emit invoice.charged --count 100 --rate 10 --fail`,
		Args:              oneArg("event"),
		ValidArgsFunction: fixed(sandbox.EventNames()...),
		Annotations:       map[string]string{annotationTimeout: "0s"},
		RunE:              app.run(func(ctx context.Context, args []string) error { return sandboxEmit(ctx, app, o, args[0]) }),
	}
	flags := cmd.Flags()
	flags.IntVar(&o.Count, "count", 1, "emit `N` events, 1 to 10000")
	flags.Float64Var(&o.Rate, "rate", 0, "emit at most `N` events per second, 1 to 1000 (default unlimited)")
	flags.Int64Var(&o.ID, "id", 0, "`ID` of the object to change or delete (default the newest)")
	flags.BoolVar(&o.fail, "fail", false, "exit with 1 if a delivery fails")
	return cmd
}

func sandboxEmit(ctx context.Context, app *App, o *emitOptions, name string) error {
	if err := o.Check(); err != nil {
		return usageFailure("%w", err)
	}
	folder, err := app.logins().OwnSandbox(ctx)
	if err != nil {
		return err
	}
	o.Event, o.Company, o.Host = name, app.settings.Company, "localhost"
	served, err := sandbox.Served(folder)
	isServed := err == nil
	if u, err := url.Parse(served.BaseURL); err == nil && isServed {
		o.Host = u.Host
	}
	deliverer := sandbox.NewDeliverer(sandbox.NewFile(folder), sandbox.NewTransport(served.DeliverTo))
	all, err := deliverer.Emit(ctx, o.Emission)
	if err != nil && len(all.Objects) == 0 {
		return emitFailure(err, name)
	}
	rows := make([]attemptRow, len(all.Attempts))
	failed := 0
	for i, a := range all.Attempts {
		if rows[i] = (attemptRow{a.Record(app.target)}); !a.Delivered {
			failed++
		}
	}
	if len(rows) > 0 || !app.printer.IsTable() {
		if printErr := output.List(ctx, app.printer, attemptTable(), rows); printErr != nil {
			return printErr
		}
	}
	noteEmitted(app.note, name, all, failed, isServed)
	if err == nil && o.fail && failed > 0 {
		return failf(codeNotDelivered, "%d of %d deliveries failed", failed, len(rows))
	}
	return err
}

func emitFailure(err error, name string) error {
	switch {
	case errors.Is(err, sandbox.ErrNoEvent):
		f, list := notFoundFailure("%w", err), command{"-p", "sandbox", "event", "list"}
		if near := match.Nearest(name, sandbox.EventNames()); len(near) > 0 {
			return f.withHint("did you mean %s? List all events with %s", strings.Join(near, ", "), list)
		}
		return f.withHint("list all events with %s", list)
	case errors.Is(err, sandbox.ErrNoObject), errors.Is(err, sandbox.ErrNoCompany):
		return notFoundFailure("%w", err)
	case errors.Is(err, sandbox.ErrNewID):
		return usageFailure("%w", err).withHint("remove --id")
	}
	return err
}

// noteEmitted prints the number of deliveries, or the reason for none.
func noteEmitted(note func(string, ...any), name string, all sandbox.Emitted, failed int, isServed bool) {
	times := ""
	if n := len(all.Objects); n > 1 {
		times = fmt.Sprintf(" %d times", n)
	}
	note("Emitted %s%s: %d delivered, %d failed", name, times, len(all.Attempts)-failed, failed)
	if len(all.Skipped) > 0 {
		note("Skipped %s created less than %s ago (propagation delay)", terminal.Count(len(all.Skipped), "subscription"), all.Propagation)
	}
	if len(all.Attempts)+len(all.Skipped) == 0 {
		note("No subscription matches this event")
	}
	if failed > 0 && !isServed {
		note("To retry failed deliveries: tlxhook sandbox serve")
	}
}
