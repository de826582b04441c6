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

const forwardLong = `Forward deliveries from a stream of NATS JetStream, which tlxhook listen
--publish fills, to an app: as they were received, at least once, in order for
each object. What is not accepted is tried again for 24 hours, and is then a
dead letter; --replay-dead sends those again and ends.

Any number of copies may run with one --durable name. The server lets one of
them forward; where it ends, another takes over, at once where it ended as it
should, else after --takeover. Another name is another consumer: it gets
everything, too.

The apps are named as in tlxhook listen. Events that no app takes are passed
over.
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
	flags.StringVar(&o.login.Servers, "from", "", "the NATS servers that have the stream: `URL,URL`")
	o.natsFlags.bind(cmd)
	flags.StringVar(&o.durable, "durable", "forward", "the `NAME` that all copies share; the server remembers by it what is done")
	flags.DurationVar(&o.takeover, "takeover", stream.DefaultTakeover, "another copy takes over after `TIME`; the first one decides")
	o.appFlags.bind(cmd)
	flags.BoolVar(&o.replayDead, "replay-dead", false, "send what was given up again, once, and end")
	flags.IntVar(&o.until, "until", 0, "end after `N` deliveries")
	flags.StringVar(&o.metrics, "metrics-addr", "", "serve /metrics, /-/healthy and /-/ready on a loopback `ADDRESS`")
	return cmd
}

// check refuses what cannot be done, before anything is opened.
func (o *forwardOptions) check(format string) error {
	switch {
	case o.login.Servers == "":
		return usageFailure("forward needs --from").withHint("name the NATS servers, such as --from nats://127.0.0.1:4222")
	case !o.apps.Any():
		return usageFailure("forward needs an app").withHint("name it with --forward-to, --forward or --exec")
	case o.until < 0:
		return usageFailure("--until must not be negative")
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
		return nil // that prints a list
	}
	return checkStreamed(format, "forward")
}

func runForward(ctx context.Context, app *App, o *forwardOptions) error {
	if err := o.check(app.settings.Output); err != nil {
		return err
	}
	options, err := o.options(ctx, app)
	switch {
	case err != nil:
		return unmet(ctx, err, o.until)
	case o.replayDead:
		return replayDead(ctx, app, options)
	}
	view := &listenView{&app.console, app.redactor, true, "tlxhook forward --replay-dead", deliveryEventTable()}
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

// replayDead sends the dead letters again, once each. Those that an app accepts are deleted.
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
	return printReplay(ctx, &app.console, rows, all, "run the command again: those that were accepted are gone", err)
}
