package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/exporter"
	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/output"
)

// exporterOptions are the flags of exporter.
type exporterOptions struct {
	fleet              fleetFlags
	address, tokenFile string
	tls                certificateFlags
	plainHTTP          bool
	minInterval        time.Duration
	pace               time.Duration // minimum time per company without --min-interval
	perSubscription    string
}

// seriesLimits are the values of --per-subscription with the maximum number of subscriptions that have series.
func seriesLimits() map[string]int { return map[string]int{"auto": 2000, "on": math.MaxInt, "off": 0} }

func newExporter(app *App) *cobra.Command {
	o := &exporterOptions{}
	cmd := &cobra.Command{
		Use:   "exporter",
		Short: "Export subscription metrics to Prometheus",
		Long: `Export metrics of subscriptions to Prometheus over HTTP, until stopped.

  /metrics            subscriptions of the login, and the exporter itself
  /probe?target=NAME  subscriptions of the profile NAME
  /sd                 profiles, for http_sd_configs of Prometheus
  /-/healthy          200 while the process runs
  /-/ready            200 when scrapes are served

A scrape makes at most one request to Tripletex. Answers are reused for
--min-interval, and concurrent scrapes share a request. The last tenth of the
rate limit is reserved for other clients. If Tripletex is unreachable,
tlxhook_up is 0.

With --all-companies, --profiles or --all-profiles, /metrics holds many
companies, each with its own label. They are polled in the background, once per
--min-interval; the default is at most ten companies per second.

Addresses other than loopback require --bearer-token-file, --tls-cert and
--tls-key. A replaced certificate is loaded without a restart.`,
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
	flags.StringVar(&o.address, "addr", "127.0.0.1:10469", "listen on `HOST:PORT`")
	flags.DurationVar(&o.minInterval, "min-interval", 15*time.Second, "reuse an answer of Tripletex for `DURATION`")
	flags.StringVar(&o.perSubscription, "per-subscription", "auto",
		"export series per subscription: `MODE` is on, off or auto (up to 2000 subscriptions)")
	flags.StringVar(&o.tokenFile, "bearer-token-file", "", "require the bearer token in `FILE` (- for stdin)")
	o.tls.bind(cmd)
	flags.BoolVar(&o.plainHTTP, "plain-http", false, "allow other addresses than loopback without TLS, behind a TLS proxy")
	complete(cmd, "per-subscription", fixed(slices.Sorted(maps.Keys(seriesLimits()))...))
	return cmd
}

// servedExporter is the result of exporter, printed when it accepts connections.
type servedExporter struct {
	URL string `json:"url" table:"METRICS"`
}

func runExporter(ctx context.Context, app *App, o *exporterOptions) error {
	maxSeries, ok := seriesLimits()[o.perSubscription]
	if !ok {
		return usageFailure("--per-subscription %q: must be auto, on or off", o.perSubscription)
	}
	if o.minInterval < 0 {
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
	options.MinInterval, options.MaxSeries, options.Log = o.minInterval, maxSeries, app.note
	options.Metrics = exporter.NewMetrics(app.build.exported(), logins.Calls.Collect)
	if options.Fleet, err = logins.Watch(ctx, o.fleet.Scope, o.minInterval, o.pace); err != nil {
		return err
	}
	ctx, cancel := app.limited(ctx)
	defer cancel()
	var printed error
	err = exporter.New(options).Run(ctx, server, func(url string) error {
		printed = output.Item(ctx, app.printer, output.TableOf[servedExporter](nil), servedExporter{url + "/metrics"})
		app.note("Ready. Press Ctrl-C to quit.")
		return printed
	})
	switch {
	case printed != nil:
		return printed
	case errors.Is(err, exporter.ErrExposed):
		return usageFailure("%w", err).withHint("pass --bearer-token-file, --tls-cert and --tls-key; see docs/monitoring-exporter.md")
	case errors.Is(err, exporter.ErrAddress):
		return usageFailure("%w", err)
	case err != nil:
		return fmt.Errorf("serve metrics: %w", err)
	}
	return nil
}

// server returns the address and its protection.
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
