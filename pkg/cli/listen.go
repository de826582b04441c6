package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// listenOptions are the flags of listen.
type listenOptions struct {
	address  string
	path     string
	tls      certificateFlags
	maxBody  int64
	maxConns int

	hmacFiles []string
	auth      secretFlags // of which listen has the two about the header
	noVerify  bool

	forwardTo   string
	forward     []string
	command     []string // the program of --exec and its arguments
	allowRemote bool

	journal   string
	retention time.Duration
	minFree   int64 // MiB

	subscribe     []string
	publicURL     string
	probeInterval time.Duration

	until   int
	metrics string
}

const listenLong = `Receive deliveries over HTTP until it is stopped. A delivery is verified, stored
on disk, answered with 200, and only then forwarded: what was acknowledged is
not lost, even if the machine fails.

--forward-to names the app that all deliveries go to; --forward EVENT=URL names
one for some events and stands above it. --exec runs a program instead, with the
body on its standard input and TLXHOOK_EVENT, TLXHOOK_EVENT_ID,
TLXHOOK_OBJECT_ID, TLXHOOK_SUBSCRIPTION_ID, TLXHOOK_IDEMPOTENCY_KEY,
TLXHOOK_ATTEMPT and TLXHOOK_REPLAY set; its arguments stand behind "--". What is
not accepted is tried again for 24 hours, in order for each object, and is then
dead; tlxhook delivery replay sends it again. Without an app deliveries are only
stored, and wait.

The secret that deliveries are signed with comes from --hmac-secret-file, given
twice while one takes the place of another ("-" is standard input), or from
TLXHOOK_HMAC_SECRET, TLXHOOK_HMAC_SECRET_FILE or TLXHOOK_HMAC_SECRET_COMMAND.
--auth-header asks for a header too, whose value comes from --auth-value-file or
TLXHOOK_AUTH_HEADER_VALUE.

--subscribe subscribes --public-url to events for as long as it runs, with a
secret made for it where none is given. Before that, and every minute, it sends
itself a probe through the public URL, so that it is never silently deaf.

--until waits for so many deliveries, accepted by the app where there is one,
and exits with 0, or with 1 where --timeout is over before.`

func newListen(app *App) *cobra.Command {
	o, program := &listenOptions{}, ""
	cmd := &cobra.Command{
		Use:   "listen [-- ARG...]",
		Short: "Receive, verify, store and forward deliveries",
		Long:  listenLong,
		Example: `  tlxhook listen --hmac-secret-file hmac --forward-to http://localhost:3000/hook
  tlxhook listen --hmac-secret-file hmac --exec ./import -- --verbose
  tlxhook listen --subscribe 'order.*' --public-url https://me.example.no/ \
    --forward-to http://localhost:3000/hook
  tlxhook listen --hmac-secret-file hmac --until 3 --timeout 1m -o ndjson`,
		Annotations: map[string]string{annotationTimeout: "0s"},
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.ArgsLenAtDash() != 0 && len(args) > 0 {
				return noArgs(cmd, args)
			}
			o.command = append([]string{program}, args...)
			return app.runUnlimited(func(ctx context.Context, _ []string) error { return listen(ctx, app, o) })(cmd, args)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.address, "addr", "127.0.0.1:8080", "where to listen: `ADDRESS`; a service manager may pass a socket instead")
	flags.StringVar(&o.path, "path", "/", "the `PATH` that deliveries come to")
	o.tls.bind(cmd)
	flags.Int64Var(&o.maxBody, "max-body", receiver.DefaultMaxBody, "the greatest body, in `BYTES`")
	flags.IntVar(&o.maxConns, "max-conns", 256, "at most `N` connections at once")
	flags.StringArrayVar(&o.hmacFiles, "hmac-secret-file", nil, "read the secret that signs deliveries from a `FILE`; - is stdin")
	flags.StringVar(&o.auth.authHeader, "auth-header", "", "accept only deliveries with the header `NAME`")
	flags.StringVar(&o.auth.authValueFile, "auth-value-file", "", "read the value of that header from a `FILE`; - is stdin")
	flags.BoolVar(&o.noVerify, "insecure-no-verify", false, "accept deliveries from anybody")
	flags.StringVar(&o.forwardTo, "forward-to", "", "forward to the app at `URL`")
	flags.StringArrayVar(&o.forward, "forward", nil, "forward some events to another app: `EVENT=URL`")
	flags.StringVar(&program, "exec", "", "run `PROGRAM` for each delivery")
	flags.BoolVar(&o.allowRemote, "allow-remote", false, "forward to other machines too")
	bindJournal(cmd, &o.journal)
	flags.DurationVar(&o.retention, "retention", 30*24*time.Hour, "delete what is settled after `TIME`; 0 keeps all")
	flags.Int64Var(&o.minFree, "min-free", 256, "accept nothing with less than so many `MIB` free on the disk")
	flags.StringArrayVar(&o.subscribe, "subscribe", nil, "subscribe to `EVENT` while it runs, such as 'order.*'")
	flags.StringVar(&o.publicURL, "public-url", "", "the https `URL` at which Tripletex reaches this process")
	flags.DurationVar(&o.probeInterval, "probe-interval", time.Minute, "probe the public URL every `TIME`")
	flags.IntVar(&o.until, "until", 0, "end after `N` deliveries")
	flags.StringVar(&o.metrics, "metrics-addr", "", "serve /metrics, /-/healthy and /-/ready on a loopback `ADDRESS`")
	complete(cmd, "subscribe", app.completeEvents)
	return cmd
}

// mostBody is the greatest body that --max-body permits, in bytes. A row of the journal must hold it: SQLite ends at
// 1,000,000,000 bytes, and one that it cannot take fails those that are stored with it.
const mostBody = 1 << 29

// check refuses what cannot be done, before anything is opened.
func (o *listenOptions) check(app *App) error {
	switch {
	case !strings.HasPrefix(o.path, "/"):
		return usageFailure("--path %q: it must begin with \"/\"", o.path)
	case o.maxBody < 1 || o.maxBody > mostBody:
		return usageFailure("--max-body %d: must be from 1 to %d", o.maxBody, mostBody)
	case o.maxConns < 1:
		return usageFailure("--max-conns %d: must be at least 1", o.maxConns)
	case o.retention < 0 || o.minFree < 0 || o.until < 0:
		return usageFailure("--retention, --min-free and --until must not be negative")
	case o.probeInterval < 100*time.Millisecond:
		return usageFailure("--probe-interval %s: must be at least 100ms", o.probeInterval)
	case (len(o.subscribe) > 0) != (o.publicURL != ""):
		return usageFailure("--subscribe and --public-url belong together")
	case len(o.subscribe) > 0 && o.noVerify:
		return usageFailure("--insecure-no-verify and --subscribe exclude each other")
	case o.auth.authHeader == "" && o.auth.authValueFile != "":
		return usageFailure("--auth-value-file needs --auth-header")
	case o.command[0] == "" && len(o.command) > 1:
		return usageFailure("what stands behind \"--\" are arguments for --exec, which is not given")
	case o.command[0] != "" && o.forwardTo != "":
		return usageFailure("--exec and --forward-to exclude each other")
	}
	if o.metrics != "" && !isLoopbackAddress(o.metrics) {
		return usageFailure("--metrics-addr %s: must be a loopback address, such as 127.0.0.1:9180", o.metrics)
	}
	if err := o.tls.check(); err != nil {
		return err
	}
	if err := o.checkPublicURL(); err != nil {
		return err
	}
	return app.checkStreamed("listen")
}

// checkPublicURL refuses a public URL that deliveries would not arrive by.
func (o *listenOptions) checkPublicURL() error {
	if o.publicURL == "" {
		return nil
	}
	u, err := url.Parse(o.publicURL)
	switch {
	case err != nil || u.Hostname() == "":
		return usageFailure("--public-url is not a URL")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return usageFailure("--public-url must hold neither credentials nor a query")
	case u.Scheme != "https" && (u.Scheme != "http" || !tripletex.IsLoopback(u.Hostname())):
		return usageFailure("--public-url must begin with https")
	}
	return nil
}

// routes returns the apps, the ones for some events first.
func (o *listenOptions) routes(ctx context.Context, app *App) ([]receiver.Route, error) {
	var routes []receiver.Route
	for _, text := range o.forward {
		event, address, found := strings.Cut(text, "=")
		if !found || event == "" || strings.ContainsAny(event, `:/@[\`) { // the "=" may be one of a query
			return nil, usageFailure("--forward %s: must be EVENT=URL", app.target(text))
		}
		target, err := o.target(ctx, address)
		if err != nil {
			return nil, err
		}
		routes = append(routes, receiver.Route{Event: event, App: target})
	}
	if o.forwardTo != "" {
		target, err := o.target(ctx, o.forwardTo)
		if err != nil {
			return nil, err
		}
		routes = append(routes, receiver.Route{Event: "*", App: target})
	}
	if o.command[0] != "" {
		if _, err := exec.LookPath(o.command[0]); err != nil {
			return nil, usageFailure("--exec: %w", err)
		}
		routes = append(routes, receiver.Route{Event: "*", App: &receiver.Command{Args: o.command, Environ: config.WithoutSecrets(app.environ)}})
	}
	return routes, nil
}

// lookUpLimit is how long the name of an app is looked up when listen starts.
const lookUpLimit = 2 * time.Second

func (o *listenOptions) target(ctx context.Context, address string) (*receiver.Target, error) {
	target, err := receiver.NewTarget(address, receiver.TargetOptions{AllowRemote: o.allowRemote, Parallel: 8})
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, lookUpLimit)
		defer cancel()
		err = target.Check(ctx)
	}
	if err != nil {
		return nil, remoteHint(err)
	}
	return target, nil
}

func remoteHint(err error) error {
	f := usageFailure("%w", err)
	if address, ok := asAddressError(err); ok && !address.Never {
		return f.withHint("--allow-remote permits it")
	}
	return f
}

// listenFailure says that there is no listening on an address; the error names it.
func listenFailure(err error) error {
	f := &failure{exitLocal, "local_io", err, ""}
	if errors.Is(err, syscall.EADDRINUSE) {
		return f.withHint("another program listens there; --addr names another address, and port 0 a free one")
	}
	return f
}

// notEnough says that --until was not met.
func notEnough(got, wanted int) error {
	return &failure{exitNo, "condition_not_met", fmt.Errorf("%d of %d deliveries came in time", got, wanted), ""}
}
