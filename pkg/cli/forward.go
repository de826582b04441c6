package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/listen"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/stream"
)

// forwardOptions are the flags of forward.
type forwardOptions struct {
	appFlags
	natsFlags
	durable    string
	takeover   time.Duration
	replayDead bool
	until      int
	metrics    string
}

const forwardLong = `Forward deliveries from a NATS JetStream stream, filled by tlxhook listen
--publish, to an app: unmodified, at least once, in order for each object.
Deliveries are retried for 24 hours, then become dead letters. --replay-dead
retries the dead letters once and exits.

Run any number of copies with the same --durable name. One of them forwards. If
it exits, another takes over at once; if it fails, after --takeover. Another
name is an independent consumer of all deliveries.

Apps are set as for tlxhook listen. Events without an app are skipped.
` + natsHelp

func newForward(app *App) *cobra.Command {
	o := &forwardOptions{}
	cmd := &cobra.Command{
		Use:   "forward [-- ARG...]",
		Short: "Forward deliveries from a stream",
		Long:  forwardLong,
		Example: `  tlxhook forward --from nats://127.0.0.1 --forward-to http://localhost:3000/
  tlxhook forward --from tls://n1.example.no,tls://n2.example.no \
    --nats-creds app.creds --durable books --exec ./book -- --verbose
  tlxhook forward --from nats://127.0.0.1 --forward-to http://localhost:3000/ \
    --replay-dead`,
		Annotations: map[string]string{annotationTimeout: "0s"},
		RunE: o.withCommand(func(cmd *cobra.Command, args []string) error {
			run := app.runUntilStopped
			if o.replayDead {
				run = app.runUnlimited
			}
			return run(func(ctx context.Context, _ []string) error { return runForward(ctx, app, o) })(cmd, args)
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&o.login.Servers, "from", "", "NATS servers of the stream, as `URL,URL`")
	o.natsFlags.bind(cmd)
	flags.StringVar(&o.durable, "durable", "forward", "consumer `NAME`, shared by all copies")
	flags.DurationVar(&o.takeover, "takeover", stream.DefaultTakeover,
		"`DURATION` after which a copy takes over from a failed one; set by the first copy")
	o.appFlags.bind(cmd)
	flags.BoolVar(&o.replayDead, "replay-dead", false, "retry dead letters once and exit")
	flags.IntVar(&o.until, "until", 0, "exit after `N` deliveries")
	flags.StringVar(&o.metrics, "metrics-addr", "", "serve /metrics, /-/healthy and /-/ready on a loopback `ADDRESS`")
	return cmd
}

// check validates the flags before anything is opened.
func (o *forwardOptions) check(format string) error {
	switch {
	case o.login.Servers == "":
		return usageFailure("--from is missing").withHint("pass the NATS servers, such as --from nats://127.0.0.1:4222")
	case !o.apps.Any():
		return usageFailure("an app is required").withHint("pass --forward-to, --forward or --exec")
	case o.until < 0:
		return usageFailure("--until must not be negative")
	case o.replayDead && (o.until > 0 || o.metrics != ""):
		return usageFailure("--replay-dead cannot be combined with --until or --metrics-addr")
	}
	if o.metrics != "" {
		if err := listen.CheckMetricsAddress(o.metrics); err != nil {
			return usageFailure("%w", err)
		}
	}
	if err := o.checkApps(); err != nil {
		return err
	}
	if o.replayDead {
		return nil // prints a list
	}
	return checkStreamed(format, "forward")
}

func runForward(ctx context.Context, app *App, o *forwardOptions) error {
	if err := o.check(app.settings.Output); err != nil {
		return err
	}
	reading, cancel := app.limited(ctx)
	defer cancel()
	options, err := o.options(reading, app)
	switch {
	case err != nil:
		return unmet(ctx, err, o.until)
	case o.replayDead:
		return replayDead(ctx, app, options)
	}
	view := &listenView{&app.console, true, app.given.line("forward", "--replay-dead"), deliveryEventTable()}
	queue := listen.NewQueue(view.show)
	options.Report = queue.Report
	return runViewed(ctx, app.limited, queue, listen.NewForwarder(*options))
}

// options reads the secrets and opens the apps.
func (o *forwardOptions) options(ctx context.Context, app *App) (*listen.ForwardOptions, error) {
	routes, err := o.routes(ctx, app)
	if err != nil {
		return nil, err
	}
	login, err := o.read(ctx, app.secrets())
	if err != nil {
		return nil, err
	}
	return &listen.ForwardOptions{
		Common: listen.Common{
			Routes: routes, Until: o.until, MetricsAddress: o.metrics, Build: app.build.exported(), Lookup: app.lookup, Note: app.note,
		},
		Stream: listen.Stream{Login: login, Name: o.name}, Durable: o.durable, Takeover: o.takeover,
	}, nil
}

// replayDead retries the dead letters once each. Accepted ones are deleted.
func replayDead(ctx context.Context, app *App, o *listen.ForwardOptions) error {
	letters, err := listen.OpenDeadLetters(ctx, *o)
	if err != nil {
		return err
	}
	defer letters.Close()
	ctx, cancel := app.limited(ctx)
	defer cancel()
	var rows []receiver.ReplayResult
	all := 0
	for _, batch := range letters.Batches {
		all += len(batch.Entries)
		if err != nil {
			continue
		}
		var done []receiver.ReplayResult
		done, err = replay(ctx, app.terminal, batch.Replay, batch.Entries)
		rows = append(rows, done...)
	}
	return printReplay(ctx, &app.console, rows, all, "run the command again to retry the others", err)
}
