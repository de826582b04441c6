package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/login"
	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
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
		Short: "Make an event happen in the sandbox",
		Long: `Make an event happen in the sandbox: an object is created, changed or deleted,
and everybody who is subscribed is told. The first attempt of each delivery is
made at once, and what the receiver answered is the result. What fails is tried
again by tlxhook sandbox serve.

A new subscription is not reached in its first two seconds, as on the service;
tlxhook sandbox reset --switch propagation=0s changes that. Several changes of
one object in one moment are told once; --rate makes them moments apart.`,
		Example: `  tlxhook sandbox emit order.create
  tlxhook sandbox emit customer.update --id 4713
  tlxhook sandbox emit invoice.charged --count 100 --rate 10 --fail`,
		Args:              oneArg("event"),
		ValidArgsFunction: fixed(sandbox.EventNames()...),
		Annotations:       map[string]string{annotationTimeout: "0s"},
		RunE:              app.run(func(ctx context.Context, args []string) error { return sandboxEmit(ctx, app, o, args[0]) }),
	}
	flags := cmd.Flags()
	flags.IntVar(&o.Count, "count", 1, "how often it happens: `N`")
	flags.Float64Var(&o.Rate, "rate", 0, "how often it happens in a second: `N` (default all at once)")
	flags.Int64Var(&o.ID, "id", 0, "the object that it happens to: `ID` (default the newest)")
	flags.BoolVar(&o.fail, "fail", false, "exit with 1 if a delivery fails")
	return cmd
}

func sandboxEmit(ctx context.Context, app *App, o *emitOptions, name string) error {
	const most = 10_000
	if o.Count < 1 || o.Count > most || o.Rate < 0 || o.Rate > 1000 || o.ID < 0 {
		return usageFailure("--count must be between 1 and %d, --rate between 0 and 1000 and --id positive", most)
	}
	folder, err := login.SandboxFolder(app.lookup)
	if err != nil {
		return err
	}
	o.Event, o.Company, o.Host = name, app.settings.Company, "localhost"
	served, err := sandbox.Served(folder)
	isServed := err == nil
	if u, err := url.Parse(served); err == nil && isServed {
		o.Host = u.Host
	}
	all, err := sandbox.NewDeliverer(sandbox.NewFile(folder), nil).Emit(ctx, o.Emission)
	if err != nil && len(all.Objects) == 0 {
		return emitFailure(err, name)
	}
	rows := make([]attemptRow, len(all.Attempts))
	failed := 0
	for i, a := range all.Attempts {
		if rows[i] = newAttemptRow(a, app.target); !a.Delivered {
			failed++
		}
	}
	if len(rows) > 0 || !app.printer.IsTable() {
		if printErr := output.List(context.WithoutCancel(ctx), app.printer, attemptTable(), rows); printErr != nil {
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
		f := notFoundFailure("%w", err)
		if near := match.Nearest(name, sandbox.EventNames()); len(near) > 0 {
			return f.withHint("did you mean %s? tlxhook -p sandbox event list shows all", strings.Join(near, ", "))
		}
		return f.withHint("tlxhook -p sandbox event list shows what there is")
	case errors.Is(err, sandbox.ErrNoObject), errors.Is(err, sandbox.ErrNoCompany):
		return notFoundFailure("%w", err)
	case errors.Is(err, sandbox.ErrNewID):
		return usageFailure("%w", err).withHint("leave out --id")
	}
	return err
}

// noteEmitted tells a person what the table does not show.
func noteEmitted(note func(string, ...any), name string, all sandbox.Emitted, failed int, isServed bool) {
	times := ""
	if n := len(all.Objects); n > 1 {
		times = fmt.Sprintf(" %d times", n)
	}
	switch {
	case len(all.Attempts) > 0:
		note("%s happened%s: %d delivered, %d failed", name, times, len(all.Attempts)-failed, failed)
	case len(all.Skipped) > 0:
		note("%s happened%s, and passed by %s: too new, as on the service; see tlxhook sandbox emit --help",
			name, times, subscriptions(len(all.Skipped)))
	default:
		note("%s happened%s, and nobody is subscribed to it", name, times)
	}
	if failed > 0 && !isServed {
		note("what failed is tried again by: tlxhook sandbox serve")
	}
}
