package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/inspect"
	"github.com/tlxhook/tlxhook/pkg/listen"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/stream"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

const (
	// maxMaxBody is the maximum of --max-body in bytes. A row of the journal must hold a body: SQLite is limited to
	// 1,000,000,000 bytes, and a row above it fails the whole group that is stored with it.
	maxMaxBody = 1 << 29
	// maxMinFree is the maximum of --min-free in MiB, so that it fits into 64 bits in bytes.
	maxMinFree = math.MaxInt64 >> 20
	// shortSecret is the length in bytes below which a secret can be guessed.
	shortSecret = 16
)

// check validates the flags before anything is opened.
func (o *listenOptions) check(format string, sandbox bool) error {
	switch {
	case !strings.HasPrefix(o.path, "/"):
		return usageFailure("--path %q: must begin with \"/\"", o.path)
	case strings.ContainsAny(o.path, "?#"):
		return usageFailure("--path %q: must have no query and no fragment", o.path)
	case strings.Contains(o.path, "%"): // compared with the decoded path of a request
		return usageFailure("--path %q: must not be percent-encoded", o.path)
	case o.maxBody < 1 || o.maxBody > maxMaxBody:
		return usageFailure("--max-body %d: must be from 1 to %d", o.maxBody, maxMaxBody)
	case o.maxConns < 1:
		return usageFailure("--max-conns %d: must be at least 1", o.maxConns)
	case o.maxPerAddress < 0:
		return usageFailure("--max-conns-per-address must not be negative")
	case min(int64(o.retention), o.minFree, o.remember, int64(o.until)) < 0:
		return usageFailure("--retention, --min-free, --remember-keys and --until must not be negative")
	case o.minFree > maxMinFree:
		return usageFailure("--min-free %d: must be at most %d", o.minFree, int64(maxMinFree))
	case o.probeInterval < 100*time.Millisecond:
		return usageFailure("--probe-interval %s: must be at least 100ms", o.probeInterval)
	case len(o.subscribe) > 0 && o.noVerify:
		return usageFailure("--insecure-no-verify cannot be combined with --subscribe")
	case o.auth.authHeader == "" && o.auth.authValueFile != "":
		return usageFailure("--auth-value-file requires --auth-header")
	}
	if err := (tripletex.SubscriptionUpdate{AuthHeaderName: o.auth.authHeader}).Check(tripletex.HTTPOnLoopback); err != nil {
		return usageFailure("--auth-header: %w", err)
	}
	if err := errors.Join(o.checkPublic(sandbox), o.checkApps(), o.publish.check(o)); err != nil {
		return err
	}
	if o.metrics != "" {
		if err := listen.CheckMetricsAddress(o.metrics); err != nil {
			return usageFailure("%w", err)
		}
	}
	if o.inspect != "" {
		if err := inspect.CheckAddress(o.inspect); err != nil {
			return wrapFlag("--inspect", err)
		}
	}
	if err := o.tls.check(); err != nil {
		return err
	}
	return checkStreamed(format, "listen")
}

// readSecrets reads the secrets that verify deliveries. --subscribe generates one if none is given.
func (o *listenOptions) readSecrets(ctx context.Context, r credentials.Reader, note func(string, ...any), to *listen.Options) error {
	var err error
	if to.Secrets, _, err = hmacSecrets(ctx, r, o.hmacFiles); err != nil {
		return err
	}
	if to.AuthValue, err = o.auth.readAuth(ctx, r); err != nil {
		return err
	}
	if len(to.Secrets) == 0 && to.Subscribe != nil {
		generated, err := generateSecret(r)
		if err != nil {
			return err
		}
		to.Secrets = append(to.Secrets, generated)
	}
	return o.checkSecrets(note, to)
}

func (o *listenOptions) checkSecrets(note func(string, ...any), read *listen.Options) error {
	given := len(read.Secrets) > 0 || read.AuthValue != ""
	switch {
	case !given && !o.noVerify:
		return usageFailure("a secret is required to verify deliveries").
			withHint("pass --hmac-secret-file or set TLXHOOK_HMAC_SECRET; --insecure-no-verify accepts unverified deliveries")
	case given && o.noVerify:
		return usageFailure("--insecure-no-verify cannot be combined with a secret")
	case o.noVerify:
		note("warning: deliveries are not verified; any client that reaches this address can send them")
	}
	for _, s := range read.Secrets {
		if len(s) < shortSecret {
			note("warning: the secret is shorter than %d bytes and may be guessed", shortSecret)
		}
	}
	return nil
}

// publishFlags are the flags of listen for a stream instead of a journal.
type publishFlags struct {
	natsFlags
	config  stream.Config
	changed []string // flags in use that apply only to the other store
}

func (f *publishFlags) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.login.Servers, "publish", "", "store deliveries in a stream of the NATS servers `URL,URL`")
	f.natsFlags.bind(cmd)
	flags.IntVar(&f.config.Replicas, "replicas", 1, "store a new stream on `N` NATS servers")
	flags.DurationVar(&f.config.Window, "dedupe-window", stream.DefaultWindow,
		"detect duplicates for `DURATION` in a new stream")
	flags.BoolVar(&f.config.AllowMemory, "allow-memory", false, "accept a stream with memory storage")
}

// note records flags in use that apply only to the other store.
func (f *publishFlags) note(cmd *cobra.Command) {
	others := []string{
		"stream", "replicas", "dedupe-window", "allow-memory", "nats-creds",
		"nats-nkey", "nats-user", "nats-password-file", "nats-ca", "nats-cert", "nats-key", "nats-allow-cleartext",
	}
	if f.on() {
		others = []string{"journal", "min-free", "remember-keys", "forward-to", "forward", "exec", "subscribe", "public-url"}
		others = append(others, "tunnel", "tunnel-command", "inspect")
	}
	for _, name := range others {
		if cmd.Flags().Changed(name) {
			f.changed = append(f.changed, "--"+name)
		}
	}
}

// on reports whether deliveries are published.
func (f *publishFlags) on() bool { return f.login.Servers != "" }

func (f *publishFlags) check(o *listenOptions) error {
	switch {
	case len(f.changed) > 0 && !f.on():
		return usageFailure("%s requires --publish", f.changed[0])
	case len(f.changed) > 0:
		return usageFailure("%s cannot be combined with --publish", f.changed[0]).
			withHint("run %s to forward deliveries, and %s to subscribe", command{"forward"}, command{"subscription", "create"})
	case !f.on():
		return nil
	}
	f.config.Retention = o.retention
	return f.config.Check()
}

// certificateFlags are the flags of a server with a certificate.
type certificateFlags struct{ cert, key string }

func (f *certificateFlags) bind(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.cert, "tls-cert", "", "serve https with the certificate in PEM `FILE`")
	cmd.Flags().StringVar(&f.key, "tls-key", "", "private key of --tls-cert, in PEM `FILE`")
}

func (f *certificateFlags) check() error {
	if (f.cert == "") != (f.key == "") {
		return usageFailure("--tls-cert and --tls-key must be used together")
	}
	return nil
}

// config reads the certificate; nil without one.
func (f *certificateFlags) config() (*tls.Config, error) {
	if f.cert == "" {
		return nil, nil
	}
	return listen.TLSConfig(f.cert, f.key)
}

// appFlags name the apps that deliveries are forwarded to.
type appFlags struct {
	apps    listen.Apps
	program string // of --exec
}

func (o *appFlags) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.apps.ForwardTo, "forward-to", "", "forward to the app at `URL`")
	flags.StringArrayVar(&o.apps.Forward, "forward", nil, "forward an event to another app, as `EVENT=URL`; repeatable")
	flags.StringVar(&o.program, "exec", "", "run `PROGRAM` for each delivery")
	flags.StringVar(&o.apps.CAFile, "forward-ca-file", "", "trust the CA certificates in PEM `FILE` for apps")
	flags.IntVar(&o.apps.Parallel, "parallel", receiver.DefaultParallel,
		"forward `N` deliveries per app at once, of different objects; up to eight times as many if the app is slow")
	flags.BoolVar(&o.apps.AllowRemote, "allow-remote", false, "allow apps on other machines")
}

// withCommand passes the arguments after "--" to the program of --exec.
func (o *appFlags) withCommand(run func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case cmd.ArgsLenAtDash() != 0 && len(args) > 0:
			return noArgs(cmd, args)
		case o.program != "":
			o.apps.Command = append([]string{o.program}, args...)
		case len(args) > 0:
			o.apps.Command = append([]string{""}, args...) // rejected by checkApps
		}
		return run(cmd, args)
	}
}

func (o *appFlags) checkApps() error {
	switch {
	case o.program == "" && len(o.apps.Command) > 0:
		return usageFailure("arguments after \"--\" require --exec")
	case o.apps.Parallel < 1 || o.apps.Parallel > 1024:
		return usageFailure("--parallel %d: must be from 1 to 1024", o.apps.Parallel)
	case o.program != "" && o.apps.ForwardTo != "":
		return usageFailure("--exec cannot be combined with --forward-to")
	case o.apps.ForwardTo == "" && len(o.apps.Forward) == 0 && o.apps.AllowRemote:
		return usageFailure("--allow-remote requires --forward-to or --forward")
	case o.apps.ForwardTo == "" && len(o.apps.Forward) == 0 && o.apps.CAFile != "":
		return usageFailure("--forward-ca-file requires --forward-to or --forward")
	}
	return nil
}

// routes returns the routes to the apps. Programs do not inherit secrets of the environment.
func (o *appFlags) routes(ctx context.Context, app *App) ([]receiver.Route, error) {
	o.apps.Environ, o.apps.Redact = config.WithoutSecrets(app.environ), app.redactor.Redact
	return o.apps.Routes(ctx)
}
