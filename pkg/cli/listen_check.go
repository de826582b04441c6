package cli

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/listen"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/targeturl"
)

const (
	// maxMaxBody is the maximum of --max-body in bytes. A row of the journal must hold a body: SQLite is limited to
	// 1,000,000,000 bytes, and a row above it fails the whole group that is stored with it.
	maxMaxBody = 1 << 29
	// shortSecret is the length in bytes below which a secret can be guessed.
	shortSecret = 16
)

// check validates the flags before anything is opened.
func (o *listenOptions) check(app *App) error {
	switch {
	case !strings.HasPrefix(o.path, "/"):
		return usageFailure("--path %q: it must begin with \"/\"", o.path)
	case o.maxBody < 1 || o.maxBody > maxMaxBody:
		return usageFailure("--max-body %d: must be from 1 to %d", o.maxBody, maxMaxBody)
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

// checkPublicURL validates --public-url.
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

// readSecrets reads the secrets that verify deliveries. --subscribe generates one if none is given.
func (o *listenOptions) readSecrets(ctx context.Context, app *App, to *listen.Options) error {
	if err := o.readHMAC(ctx, app, to); err != nil {
		return err
	}
	var auth secrets
	if err := o.auth.readAuth(ctx, app, &auth); err != nil {
		return err
	}
	to.AuthValue = auth.authValue
	if len(to.Secrets) == 0 && to.Subscribe != nil {
		generated, err := secret.Generate()
		if err != nil {
			return localFailure("make a secret", err)
		}
		app.redactor.Add(generated)
		to.Secrets = append(to.Secrets, generated)
	}
	return o.checkSecrets(app, to)
}

// readHMAC reads the HMAC secrets from --hmac-secret-file or the environment.
func (o *listenOptions) readHMAC(ctx context.Context, app *App, to *listen.Options) error {
	for _, file := range o.hmacFiles {
		value, err := app.secretFrom(file)
		if err != nil {
			return wrapFlag("--hmac-secret-file", err)
		}
		to.Secrets = append(to.Secrets, value)
	}
	if len(o.hmacFiles) > 0 {
		return nil
	}
	value, err := app.secretFromEnvironment(ctx, "HMAC_SECRET")
	if value != "" {
		to.Secrets = append(to.Secrets, value)
	}
	return err
}

func (o *listenOptions) checkSecrets(app *App, read *listen.Options) error {
	given := len(read.Secrets) > 0 || read.AuthValue != ""
	switch {
	case !given && !o.noVerify:
		return usageFailure("there is no secret to verify deliveries by").
			withHint("give it with --hmac-secret-file or TLXHOOK_HMAC_SECRET; --insecure-no-verify accepts deliveries from anybody")
	case given && o.noVerify:
		return usageFailure("--insecure-no-verify and a secret exclude each other")
	case o.noVerify:
		app.note("warning: deliveries are not verified; anybody who reaches this address can send them")
	}
	for _, s := range read.Secrets {
		if len(s) < shortSecret {
			app.note("warning: the secret is shorter than %d bytes, and could be guessed", shortSecret)
		}
	}
	return nil
}

func isLoopbackAddress(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && targeturl.IsLoopback(strings.Trim(host, "[]"))
}
