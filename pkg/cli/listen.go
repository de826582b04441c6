package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/inspect"
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
	auth      secretFlags // only --auth-header and --auth-value-file
	noVerify  bool

	appFlags
	publish publishFlags

	journal   string
	retention time.Duration
	minFree   int64 // MiB
	remember  int64

	subscribe     []string
	publicURL     string
	tunnel        tunnelFlags
	probeInterval time.Duration

	until   int
	metrics string
	inspect string // address
}

const listenLong = `Receive deliveries over HTTP until stopped. A delivery is verified, stored on
disk, acknowledged with 200, then forwarded. Acknowledged deliveries survive a
crash of the process or the machine.

Secrets: --hmac-secret-file names a file, or "-" for standard input; repeat it
during a rotation. Without it, TLXHOOK_HMAC_SECRET holds the secret; append
_FILE or _COMMAND to the variable name to read a file or the output of a
command. --auth-header also requires a header, with the value of
--auth-value-file or TLXHOOK_AUTH_HEADER_VALUE.

Apps: --forward-to sets the app for all events, --forward EVENT=URL another
app for some events. --exec runs a program instead, with the body on standard
input and the variables TLXHOOK_EVENT, TLXHOOK_EVENT_ID, TLXHOOK_OBJECT_ID,
TLXHOOK_SUBSCRIPTION_ID, TLXHOOK_IDEMPOTENCY_KEY, TLXHOOK_ATTEMPT,
TLXHOOK_REPLAY and TLXHOOK_BACKFILL. Arguments of the program follow "--".
Deliveries are forwarded in order for each object, and retried for 24 hours.
Then they are dead letters; to retry: tlxhook delivery replay. Without an app
deliveries stay pending.

--subscribe creates subscriptions to --public-url and deletes them on exit. The
sandbox delivers to --addr and needs no public URL. A secret is generated if
none is set. A probe through the public URL at the start and once per
--probe-interval detects a broken tunnel.

--tunnel starts an installed program, learns the public URL from it and ends
it on exit. --tunnel-command starts any other program, without a shell, with
the port of listen for {port}; the first https URL that it prints is the
public one. If the program restarts with another URL, the subscriptions are
updated.

--publish stores deliveries in a NATS JetStream stream instead of on disk, and
acknowledges after the stream did. Such receivers are stateless: run any number
behind a load balancer. --company names the company of the deliveries. tlxhook
forward forwards them to an app. A missing stream is created with --replicas,
--dedupe-window and --retention; an existing one is checked, not changed.
` + natsHelp + `

--inspect serves a web page with the deliveries on this machine; open the URL
that is printed, which has the token of the page. Replays go to the apps.

--until waits for N deliveries, accepted by the app if one is set. The exit code
is 0 then, and 1 if --timeout ends first.`

func newListen(app *App) *cobra.Command {
	o := &listenOptions{}
	cmd := &cobra.Command{
		Use:   "listen [-- ARG...]",
		Short: "Receive, verify, store and forward deliveries",
		Long:  listenLong,
		Example: `  tlxhook listen --hmac-secret-file hmac --forward-to http://localhost:3000/hook
  tlxhook listen --hmac-secret-file hmac --exec ./import -- --verbose
  tlxhook listen --tunnel cloudflared --subscribe 'order.*' \
    --forward-to http://localhost:3000/hook --inspect
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
	flags.StringVar(&o.address, "addr", "127.0.0.1:8080", "listen on `ADDRESS`; ignored with a socket of the service manager")
	flags.StringVar(&o.path, "path", "/", "URL `PATH` of deliveries")
	o.tls.bind(cmd)
	flags.Int64Var(&o.maxBody, "max-body", receiver.DefaultMaxBody, "maximum size of a body in `BYTES`")
	flags.IntVar(&o.maxConns, "max-conns", 256, "accept at most `N` connections")
	flags.IntVar(&o.maxPerAddress, "max-conns-per-address", 64,
		"accept at most `N` connections per remote address; 0 for no limit")
	flags.StringSliceVar(&o.trusted, "trusted-proxy", nil, "exempt proxies in `CIDR` from --max-conns-per-address")
	flags.StringArrayVar(&o.hmacFiles, "hmac-secret-file", nil, "read the signing secret from `FILE` (- for stdin); repeatable")
	flags.StringVar(&o.auth.authHeader, "auth-header", "", "require the header `NAME`")
	flags.StringVar(&o.auth.authValueFile, "auth-value-file", "", "read the value of --auth-header from `FILE` (- for stdin)")
	flags.BoolVar(&o.noVerify, "insecure-no-verify", false, "accept unverified deliveries")
	o.bind(cmd)
	o.publish.bind(cmd)
	bindJournal(cmd, &o.journal)
	flags.DurationVar(&o.retention, "retention", 30*24*time.Hour, "delete forwarded and dead deliveries after `DURATION`; 0 for never")
	flags.Int64Var(&o.minFree, "min-free", 256, "refuse deliveries with less free disk space than `MIB`")
	flags.Int64Var(&o.remember, "remember-keys", journal.DefaultRememberKeys,
		"detect duplicates of the last `N` deleted deliveries; 0 for none")
	flags.StringArrayVar(&o.subscribe, "subscribe", nil, "subscribe to `EVENT` until exit, such as 'order.*'; repeatable")
	flags.StringVar(&o.publicURL, "public-url", "", "https `URL` at which Tripletex reaches this process")
	o.tunnel.bind(cmd)
	flags.DurationVar(&o.probeInterval, "probe-interval", time.Minute, "probe the public URL every `DURATION`")
	flags.IntVar(&o.until, "until", 0, "exit after `N` deliveries")
	flags.StringVar(&o.metrics, "metrics-addr", "", "serve /metrics, /-/healthy and /-/ready on a loopback `ADDRESS`")
	flags.StringVar(&o.inspect, "inspect", "", "serve a page with the deliveries on a loopback `HOST:PORT`")
	flags.Lookup("inspect").NoOptDefVal = inspect.DefaultAddress
	return cmd
}

func runListen(ctx context.Context, app *App, o *listenOptions) error {
	if err := o.check(app.settings.Output, o.onSandbox(ctx, app.logins())); err != nil {
		return err
	}
	reading, cancel := app.limited(ctx)
	defer cancel()
	options, err := o.read(reading, app)
	if err != nil {
		return unmet(ctx, err, o.until)
	}
	view := &listenView{&app.console, len(options.Routes) > 0, app.given.line("delivery", "replay", "ID"), deliveryEventTable()}
	queue := listen.NewQueue(view.show)
	options.Report = queue.Report
	return runViewed(ctx, app.limited, queue, listen.New(*options))
}

// read returns the options, with the secrets and the NATS login.
func (o *listenOptions) read(ctx context.Context, app *App) (*listen.Options, error) {
	routes, err := o.routes(ctx, app)
	if err != nil {
		return nil, err
	}
	options := &listen.Options{
		Common: listen.Common{
			Routes: routes, Until: o.until, MetricsAddress: o.metrics, Build: app.build.exported(), Lookup: app.lookup, Note: app.note,
			Task: app.task,
		},
		ListPending: app.given.line("delivery", "list", "--state", "pending"),
		Address:     o.address, Path: o.path, MaxBody: o.maxBody, MaxConns: o.maxConns, MaxPerAddress: o.maxPerAddress,
		AuthHeader: o.auth.authHeader, Subscribe: o.subscription(app.logins(), app.note),
	}
	if options.Trusted, err = listen.TrustedPrefixes(o.trusted); err != nil {
		return nil, usageFailure("%w", err)
	}
	if err := o.readSecrets(ctx, app.secrets(), app.note, options); err != nil {
		return nil, err
	}
	if options.Subscribe != nil {
		app.terminal.Status.Off = app.settings.Quiet // its start may take a minute
		if options.Subscribe.Tunnel, err = o.tunnel.open(app); err != nil {
			return nil, err
		}
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
	if o.inspect != "" {
		options.Inspect = &inspect.Options{Address: o.inspect, Account: inspected(app.newLogins(), app.note), Redact: app.redactor.Redact}
	}
	return options, err
}

// onSandbox reports whether --subscribe subscribes on the built-in sandbox, which delivers to this machine.
func (o *listenOptions) onSandbox(ctx context.Context, logins *login.Resolver) bool {
	if len(o.subscribe) == 0 {
		return false
	}
	l, err := logins.Login(ctx)
	return err == nil && l.Profile == config.SandboxProfile
}

// subscription returns the options of --subscribe; nil without it.
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
