package cli

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/exporter"
	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/output"
)

// exporterOptions are what the flags of exporter say.
type exporterOptions struct {
	fleet              fleetFlags
	address, tokenFile string
	tls                certificateFlags
	plainHTTP          bool
	keep               time.Duration
	pace               time.Duration // where nobody chose for how long to keep
	each               string
}

// mostEach are the choices of --per-subscription, as the number of subscriptions up to which each has series.
func mostEach() map[string]int { return map[string]int{"auto": 2000, "on": math.MaxInt, "off": 0} }

func newExporter(app *App) *cobra.Command {
	o := &exporterOptions{}
	cmd := &cobra.Command{
		Use:   "exporter",
		Short: "Serve the state of subscriptions to Prometheus",
		Long: `Serve the state of subscriptions to Prometheus, until it is stopped.

  /metrics            the subscriptions of the login, and the exporter itself
  /probe?target=NAME  the subscriptions of the profile NAME
  /sd                 the profiles, for http_sd_configs of Prometheus
  /-/healthy, /-/ready

Every scrape asks Tripletex with one request, or with none: scrapes at the same
time share one, and its answer is kept for --min-interval. The last tenth of the
rate limit is left to others. Where Tripletex does not answer, tlxhook_up is 0.

With --all-companies, --profiles and --all-profiles /metrics shows many
companies, each with a label of its own. They are asked in the background, each
once in --min-interval and without that flag at most ten in a second: a scrape
never waits.

It listens on this machine only, unless --bearer-token-file says who may read,
and --tls-cert and --tls-key give TLS. A certificate that is replaced while it
serves is taken at once.`,
		Example: `  tlxhook exporter -p sandbox
  tlxhook exporter -p acme --min-interval 1m
  tlxhook exporter -p acme --all-companies --min-interval 5m
  tlxhook exporter --addr :10469 --bearer-token-file token \
    --tls-cert exporter.pem --tls-key exporter.key`,
		Args:        noArgs,
		Annotations: map[string]string{annotationTimeout: "0s"},
	}
	cmd.RunE = app.runUntilStopped(func(ctx context.Context, _ []string) error {
		if !cmd.Flags().Changed("min-interval") {
			o.pace = health.Pace
		}
		return runExporter(ctx, app, o)
	})
	o.fleet.bindChoice(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.address, "addr", "127.0.0.1:10469", "where to listen: `HOST:PORT`")
	flags.DurationVar(&o.keep, "min-interval", 15*time.Second, "show an answer of Tripletex for this long: `TIME`")
	flags.StringVar(&o.each, "per-subscription", "auto",
		"series of each subscription: `WHEN` is on, off or auto, which is on up to 2000 of them")
	flags.StringVar(&o.tokenFile, "bearer-token-file", "", "answer only who knows the token in a `FILE`; - is stdin")
	o.tls.bind(cmd)
	flags.BoolVar(&o.plainHTTP, "plain-http", false, "serve others without TLS: a proxy in front ends it")
	complete(cmd, "per-subscription", cobra.FixedCompletions(sortedNames(mostEach()), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// servedExporter is what exporter prints once it listens.
type servedExporter struct {
	URL string `json:"url" table:"METRICS"`
}

func runExporter(ctx context.Context, app *App, o *exporterOptions) error {
	most, ok := mostEach()[o.each]
	if !ok {
		return usageFailure("--per-subscription %q: must be auto, on or off", o.each)
	}
	if o.keep < 0 {
		return usageFailure("--min-interval must not be negative")
	}
	server, err := o.server(ctx, app.secrets(), app.note)
	if err != nil {
		return err
	}
	if err := o.fleet.check(app.settings); err != nil {
		return err
	}
	logins, err := exporter.NewLogins(ctx, app.logins())
	if err != nil {
		return err
	}
	options := logins.Options()
	options.MinInterval, options.MaxSeries, options.Log = o.keep, most, app.note
	options.Metrics = exporter.NewMetrics(app.build.exported(), logins.Calls.Collect)
	if options.Fleet, err = logins.Watch(ctx, o.fleet.Scope, o.keep, o.pace); err != nil {
		return err
	}
	ctx, cancel := app.limited(ctx)
	defer cancel()
	var printed error
	err = exporter.New(options).Run(ctx, server, func(url string) error {
		printed = output.Item(ctx, app.printer, output.TableOf[servedExporter](nil), servedExporter{url + "/metrics"})
		app.note("stop it with Ctrl-C")
		return printed
	})
	switch {
	case printed != nil:
		return printed
	case errors.Is(err, exporter.ErrExposed):
		return usageFailure("%w", err).withHint("give --bearer-token-file, --tls-cert and --tls-key; docs/monitoring-exporter.md shows how")
	case errors.Is(err, exporter.ErrAddress):
		return usageFailure("%w", err)
	case err != nil:
		return localFailure("serve metrics", err)
	}
	return nil
}

// server returns where to serve, and who may read.
func (o *exporterOptions) server(ctx context.Context, r credentials.Reader, log func(string, ...any)) (server exporter.Server, err error) {
	if err := o.tls.check(); err != nil {
		return server, err
	}
	server = exporter.Server{Address: o.address, PlainHTTP: o.plainHTTP, Log: log}
	if o.tokenFile != "" {
		if server.Token, err = r.File(ctx, o.tokenFile); err != nil {
			return server, wrapFlag("--bearer-token-file", err)
		}
	}
	server.TLS, err = o.tls.config()
	return server, err
}
