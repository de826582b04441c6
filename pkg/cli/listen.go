package cli

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/targeturl"
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

	appFlags
	publish publishFlags

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
TLXHOOK_ATTEMPT, TLXHOOK_REPLAY and TLXHOOK_BACKFILL set; its arguments stand
behind "--". What is not accepted is tried again for 24 hours, in order for each
object, and is then dead; tlxhook delivery replay sends it again. Without an app
deliveries are only stored, and wait.

The secret that deliveries are signed with comes from --hmac-secret-file, given
twice while one takes the place of another ("-" is standard input), or from
TLXHOOK_HMAC_SECRET, TLXHOOK_HMAC_SECRET_FILE or TLXHOOK_HMAC_SECRET_COMMAND.
--auth-header asks for a header too, whose value comes from --auth-value-file or
TLXHOOK_AUTH_HEADER_VALUE.

--subscribe subscribes --public-url to events for as long as it runs, with a
secret made for it where none is given. Before that, and every minute, it sends
itself a probe through the public URL, so that it is never silently deaf.

--publish stores deliveries in a stream of NATS JetStream instead of on this
disk: a delivery is answered with 200 once the stream has acknowledged it. Any
number of such receivers may stand behind a balancer, as none has a state of
its own; --company says whose deliveries they are. tlxhook forward hands them
to an app. A stream that is not there is made, with --replicas and --dedupe-
window, and keeps deliveries for --retention; one that is there is checked and
left as it is.
` + natsHelp + `

--until waits for so many deliveries, accepted by the app where there is one,
and exits with 0, or with 1 where --timeout is over before.`

func newListen(app *App) *cobra.Command {
	o := &listenOptions{}
	cmd := &cobra.Command{
		Use:   "listen [-- ARG...]",
		Short: "Receive, verify, store and forward deliveries",
		Long:  listenLong,
		Example: `  tlxhook listen --hmac-secret-file hmac --forward-to http://localhost:3000/hook
  tlxhook listen --hmac-secret-file hmac --exec ./import -- --verbose
  tlxhook listen --subscribe 'order.*' --public-url https://me.example.no/ \
    --forward-to http://localhost:3000/hook
  tlxhook listen --hmac-secret-file hmac --until 3 --timeout 1m -o ndjson
  tlxhook listen --hmac-secret-file hmac --publish nats://127.0.0.1 --replicas 3`,
		Annotations: map[string]string{annotationTimeout: "0s"},
		RunE: o.withCommand(func(cmd *cobra.Command, args []string) error {
			o.publish.note(cmd)
			run := app.runUntilStopped
			if o.until > 0 {
				run = app.runUnlimited
			}
			return run(func(ctx context.Context, _ []string) error { return listen(ctx, app, o) })(cmd, args)
		}),
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
	o.bind(cmd)
	o.publish.bind(cmd)
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
	}
	if err := errors.Join(o.checkApps(), o.publish.check(o)); err != nil {
		return err
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
	case u.Scheme != "https" && (u.Scheme != "http" || !targeturl.IsLoopback(u.Hostname())):
		return usageFailure("--public-url must begin with https")
	}
	return nil
}

// listenFailure says that there is no listening on an address; the error names it.
func listenFailure(err error) error {
	f := fail(codeLocal, err)
	if errors.Is(err, syscall.EADDRINUSE) {
		return f.withHint("another program listens there; --addr names another address, and port 0 a free one")
	}
	return f
}

// notEnough says that --until was not met.
func notEnough(got, wanted int) error {
	return failf(codeConditionNotMet, "%d of %d deliveries came in time", got, wanted)
}
