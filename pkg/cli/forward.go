package cli

import (
	"context"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/exporter"
	"github.com/tlxhook/tlxhook/pkg/journal"
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
			if o.until > 0 || o.replayDead {
				run = app.runUnlimited
			}
			return run(func(ctx context.Context, _ []string) error { return forward(ctx, app, o) })(cmd, args)
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&o.login.Servers, "from", "", "the NATS servers that have the stream: `URL,URL`")
	o.natsFlags.bind(cmd)
	flags.StringVar(&o.durable, "durable", "forward", "the `NAME` that all copies share; the server remembers by it what is done")
	flags.DurationVar(&o.takeover, "takeover", stream.DefaultTakeover, "another copy takes over after `TIME`; the first one decides")
	o.appFlags.bind(cmd)
	flags.IntVar(&o.parallel, "parallel", 8, "forward `N` deliveries at once, each of another object")
	flags.BoolVar(&o.replayDead, "replay-dead", false, "send what was given up again, once, and end")
	flags.IntVar(&o.until, "until", 0, "end after `N` deliveries")
	flags.StringVar(&o.metrics, "metrics-addr", "", "serve /metrics, /-/healthy and /-/ready on a loopback `ADDRESS`")
	return cmd
}

// check refuses what cannot be done, before anything is opened.
func (o *forwardOptions) check(app *App) error {
	switch {
	case o.login.Servers == "":
		return usageFailure("forward needs --from").withHint("name the NATS servers, such as --from nats://127.0.0.1:4222")
	case !o.any():
		return usageFailure("forward needs an app").withHint("name it with --forward-to, --forward or --exec")
	case o.parallel < 1 || o.parallel > 1024:
		return usageFailure("--parallel %d: must be from 1 to 1024", o.parallel)
	case o.until < 0:
		return usageFailure("--until must not be negative")
	}
	if o.metrics != "" && !isLoopbackAddress(o.metrics) {
		return usageFailure("--metrics-addr %s: must be a loopback address, such as 127.0.0.1:9180", o.metrics)
	}
	if err := o.checkApps(); err != nil {
		return err
	}
	if o.replayDead {
		return nil // that prints a list
	}
	return app.checkStreamed("forward")
}

// forwarding is a run of forward with everything that it holds.
type forwarding struct {
	app      *App
	options  *forwardOptions
	routes   []receiver.Route
	stream   *stream.Stream
	consumer *stream.Consumer
	view     *listenView
	queue    atomic.Pointer[receiver.Queue] // of the last turn
	parts    sync.WaitGroup
}

func forward(ctx context.Context, app *App, o *forwardOptions) error {
	if err := o.check(app); err != nil {
		return err
	}
	routes, err := o.routes(ctx, app)
	if err != nil {
		return err
	}
	if err := o.read(ctx, app); err != nil {
		return err
	}
	opened, err := stream.Open(ctx, o.login, o.name, 0, nil)
	if err != nil {
		return err
	}
	defer opened.Close()
	f := &forwarding{app: app, options: o, routes: routes, stream: opened}
	if o.replayDead {
		return f.replay(ctx)
	}
	f.consumer, err = opened.Consumer(ctx, stream.ConsumerOptions{Durable: o.durable, Takeover: o.takeover, Takes: f.takes})
	if err != nil {
		return err
	}
	return f.run(ctx)
}

func (f *forwarding) takes(event string) bool {
	return slices.ContainsFunc(f.routes, func(r receiver.Route) bool { return r.Takes(event) })
}

// run forwards until the context ends or enough was forwarded.
func (f *forwarding) run(parent context.Context) error {
	limited, cancel := f.app.limited(parent)
	defer cancel()
	ctx, stop := context.WithCancel(limited)
	defer stop()
	f.view = newListenView(f.app, f.options.until, true)
	f.view.replay = "tlxhook forward --replay-dead"
	f.view.start(stop)
	defer f.view.close()
	if err := f.serve(ctx); err != nil {
		return f.verdict(unlessStopped(ctx, err))
	}
	if used := f.consumer.Takeover(); used != f.options.takeover {
		f.app.note("--takeover is %s, as the first copy of %s has decided", used, f.options.durable)
	} else if used < stream.SafeTakeover {
		f.app.note("warning: with --takeover below %s, two copies may hand over the same delivery at once", stream.SafeTakeover)
	}
	f.app.note("waiting for the turn of this copy of %s, stream %s", f.options.durable, f.options.name)
	if err := receiver.Notify(ctx, f.app.lookup, "READY=1"); err != nil {
		f.app.note("warning: %v", err)
	}
	err := f.consumer.Run(ctx, f.turn)
	stop()
	f.parts.Wait()
	return f.verdict(unlessStopped(ctx, err))
}

// verdict returns the error of a run that forwarded fewer deliveries than --until asks for.
func (f *forwarding) verdict(err error) error {
	if got := f.view.counted(); err == nil && got < f.options.until {
		return notEnough(got, f.options.until)
	}
	return err
}

// turn forwards for as long as this copy is the active one.
func (f *forwarding) turn(ctx context.Context, b *stream.Backlog) {
	f.app.note("this copy forwards now")
	queue := receiver.NewQueue(b, f.routes, f.view.report)
	f.queue.Store(queue)
	b.Notify(queue.Wake)
	queue.Run(ctx)
	f.app.note("this copy does not forward any more")
}

// serve answers on --metrics-addr.
func (f *forwarding) serve(ctx context.Context) error {
	if f.options.metrics == "" {
		return nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", f.options.metrics)
	if err != nil {
		return localFailure("answer on --metrics-addr", err)
	}
	numbers := exporter.Receiver{Forwarding: func() (s receiver.Stats) {
		if queue := f.queue.Load(); queue != nil {
			s = queue.Stats()
		}
		return s
	}}
	mux := receiver.HealthHandler(f.stream.Healthy)
	mux.Handle("GET /metrics", exporter.NewMetrics(f.app.exporterBuild(), numbers.Collect))
	f.app.note("metrics on http://%s/metrics, health on /-/ready", listener.Addr())
	f.parts.Go(func() { _ = receiver.Serve(ctx, listener, mux) })
	return nil
}

// replay sends the dead letters again, once each. Those that are accepted are dead letters no more.
func (f *forwarding) replay(parent context.Context) error {
	ctx, cancel := f.app.limited(parent)
	defer cancel()
	letters, found, err := f.stream.DeadLetters(ctx, f.options.durable)
	if err != nil {
		return err
	}
	var rows []replayedDelivery
	all := 0
	for i, taken := range f.byRoute(found) {
		all += len(taken)
		if err != nil || len(taken) == 0 {
			continue
		}
		var done []replayedDelivery
		done, err = f.app.replay(ctx, receiver.Replay{Journal: letters, App: f.routes[i].App}, taken)
		rows = append(rows, done...)
	}
	return f.app.printReplay(ctx, rows, all, "run the command again: those that were accepted are gone", err)
}

// byRoute tells apart which app takes which deliveries.
func (f *forwarding) byRoute(all []journal.Entry) [][]journal.Entry {
	taken := make([][]journal.Entry, len(f.routes))
	for _, e := range all {
		if i := slices.IndexFunc(f.routes, func(r receiver.Route) bool { return r.Takes(e.Event) }); i >= 0 {
			taken[i] = append(taken[i], e)
		}
	}
	return taken
}
