package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/listen"
	"github.com/tlxhook/tlxhook/pkg/login"
	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// listenOptions are the flags of listen.
type listenOptions struct {
	address       string
	path          string
	tls           certificateFlags
	maxBody       int64
	maxConns      int
	maxPerAddress int
	trusted       []string // CIDR

	hmacFiles []string
	auth      secretFlags // of which listen has the two about the header
	noVerify  bool

	appFlags
	publish publishFlags

	journal   string
	retention time.Duration
	minFree   int64 // MiB
	remember  int64

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
itself a probe through the public URL, so that a broken tunnel is noticed.

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
			return app.runUntilStopped(func(ctx context.Context, _ []string) error { return runListen(ctx, app, o) })(cmd, args)
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&o.address, "addr", "127.0.0.1:8080", "where to listen: `ADDRESS`; a service manager may pass a socket instead")
	flags.StringVar(&o.path, "path", "/", "the `PATH` that deliveries come to")
	o.tls.bind(cmd)
	flags.Int64Var(&o.maxBody, "max-body", receiver.DefaultMaxBody, "the greatest body, in `BYTES`")
	flags.IntVar(&o.maxConns, "max-conns", 256, "at most `N` connections at once")
	flags.IntVar(&o.maxPerAddress, "max-conns-per-address", 64,
		"at most `N` connections from one address that is not of this machine; 0 for no limit")
	flags.StringSliceVar(&o.trusted, "trusted-proxy", nil, "no such limit for proxies in `CIDR`")
	flags.StringArrayVar(&o.hmacFiles, "hmac-secret-file", nil, "read the secret that signs deliveries from a `FILE`; - is stdin")
	flags.StringVar(&o.auth.authHeader, "auth-header", "", "accept only deliveries with the header `NAME`")
	flags.StringVar(&o.auth.authValueFile, "auth-value-file", "", "read the value of that header from a `FILE`; - is stdin")
	flags.BoolVar(&o.noVerify, "insecure-no-verify", false, "accept deliveries from anybody")
	o.bind(cmd)
	o.publish.bind(cmd)
	bindJournal(cmd, &o.journal)
	flags.DurationVar(&o.retention, "retention", 30*24*time.Hour, "delete what is settled after `TIME`; 0 keeps all")
	flags.Int64Var(&o.minFree, "min-free", 256, "accept nothing with less than so many `MIB` free on the disk")
	flags.Int64Var(&o.remember, "remember-keys", journal.DefaultRememberKeys,
		"recognize repeats of the last `N` deleted deliveries; 0 for none")
	flags.StringArrayVar(&o.subscribe, "subscribe", nil, "subscribe to `EVENT` while it runs, such as 'order.*'")
	flags.StringVar(&o.publicURL, "public-url", "", "the https `URL` at which Tripletex reaches this process")
	flags.DurationVar(&o.probeInterval, "probe-interval", time.Minute, "probe the public URL every `TIME`")
	flags.IntVar(&o.until, "until", 0, "end after `N` deliveries")
	flags.StringVar(&o.metrics, "metrics-addr", "", "serve /metrics, /-/healthy and /-/ready on a loopback `ADDRESS`")
	return cmd
}

func runListen(ctx context.Context, app *App, o *listenOptions) error {
	if err := o.check(app.settings.Output); err != nil {
		return err
	}
	options, err := o.read(ctx, app)
	if err != nil {
		return unmet(ctx, err, o.until)
	}
	view := &listenView{&app.console, app.redactor, len(options.Routes) > 0, "tlxhook delivery replay ID", deliveryEventTable()}
	queue := listen.NewQueue(view.show)
	options.Report = queue.Report
	return runViewed(ctx, app.limited, queue, listen.New(*options))
}

// read reads files, secrets and the login of NATS.
func (o *listenOptions) read(ctx context.Context, app *App) (*listen.Options, error) {
	routes, err := o.routes(ctx, app)
	if err != nil {
		return nil, err
	}
	options := &listen.Options{
		Common: listen.Common{
			Routes: routes, Until: o.until, MetricsAddress: o.metrics, Build: app.build.exported(), Lookup: app.lookup, Note: app.note,
		},
		Address: o.address, Path: o.path, MaxBody: o.maxBody, MaxConns: o.maxConns, MaxPerAddress: o.maxPerAddress,
		AuthHeader: o.auth.authHeader, Subscribe: o.subscription(app.logins(), app.note),
	}
	if options.Trusted, err = listen.TrustedPrefixes(o.trusted); err != nil {
		return nil, usageFailure("%w", err)
	}
	if err := o.readSecrets(ctx, app.secrets(), app.note, options); err != nil {
		return nil, err
	}
	if options.TLS, err = o.tls.config(); err != nil {
		return nil, err
	}
	if o.publish.on() {
		options.Stream = &listen.Stream{Name: o.publish.name, Company: app.settings.Company, Config: &o.publish.config}
		options.Stream.Login, err = o.publish.read(ctx, app.secrets())
		return options, err
	}
	folder, err := journalFolder(app.lookup, o.journal)
	options.Journal = listen.Journal{Folder: folder, MinFree: o.minFree << 20, Retention: o.retention, RememberKeys: o.remember}
	if o.remember == 0 {
		options.Journal.RememberKeys = -1
	}
	return options, err
}

// subscription returns what --subscribe asks for, or nil.
func (o *listenOptions) subscription(logins *login.Resolver, note func(string, ...any)) *listen.Subscribe {
	if len(o.subscribe) == 0 {
		return nil
	}
	logIn := func(ctx context.Context) (*tripletex.Client, []string, error) {
		client, err := logins.Client(ctx)
		if err != nil {
			return nil, nil, err
		}
		events, err := match.Expand(ctx, client, o.subscribe)
		return client, events, err
	}
	lock := func(ctx context.Context) (func(), error) {
		own, err := logins.Own(ctx)
		if err != nil {
			return nil, err
		}
		return lockCompanies(ctx, logins, note, own)
	}
	return &listen.Subscribe{Login: logIn, Lock: lock, PublicURL: o.publicURL, ProbeInterval: o.probeInterval}
}

// unmet returns the error of a run that was stopped before --until was met, and err otherwise.
func unmet(ctx context.Context, err error, until int) error {
	if until > 0 && unlessStopped(ctx, err) == nil {
		return &listen.UnmetError{Wanted: until}
	}
	return err
}
