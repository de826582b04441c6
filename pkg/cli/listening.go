package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/tlxhook/tlxhook/pkg/exporter"
	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/stream"
	"github.com/tlxhook/tlxhook/pkg/targeturl"
)

// listening is a run of listen with everything that it holds.
type listening struct {
	app      *App
	options  *listenOptions
	verify   verification
	journal  *journal.Journal // nil where deliveries are published
	stream   *stream.Stream   // nil where they are kept in a journal
	receiver *receiver.Receiver
	queue    *receiver.Queue // nil where nothing is forwarded
	view     *listenView
	ears     *subscribed
	parts    sync.WaitGroup // what runs beside receiving
}

// verification is what deliveries are judged by.
type verification struct {
	secrets   []secret.Text
	authValue secret.Text
}

// shortSecret is the length below which a secret can be guessed, in bytes.
const shortSecret = 16

func listen(ctx context.Context, app *App, o *listenOptions) error {
	if err := o.check(app); err != nil {
		return err
	}
	verify, err := o.verification(ctx, app)
	if err != nil {
		return err
	}
	routes, err := o.routes(ctx, app)
	if err != nil {
		return err
	}
	certificate, err := o.tls.config()
	if err != nil {
		return err
	}
	l := &listening{app: app, options: o, verify: verify, ears: &subscribed{}}
	if err := l.openStore(ctx); err != nil {
		return err
	}
	l.view = newListenView(app, o.until, len(routes) > 0)
	if len(routes) > 0 {
		l.queue = receiver.NewQueue(l.journal, routes, l.view.report)
	}
	l.receiver = l.newReceiver()
	err = l.run(ctx, certificate)
	if closeErr := l.closeStore(); err == nil && closeErr != nil {
		err = localFailure("close the journal", closeErr)
	}
	return err
}

// openStore opens what deliveries are kept in.
func (l *listening) openStore(ctx context.Context) (err error) {
	if l.options.publish.on() {
		l.stream, err = l.options.openStream(ctx, l.app)
		return err
	}
	folder, err := l.app.journalFolder(l.options.journal)
	if err != nil {
		return err
	}
	if l.journal, err = journal.Open(folder, journal.Options{MinFree: l.options.minFree << 20}); err != nil {
		return err
	}
	// A look from outside tells it. That it cannot be written is no reason to receive nothing.
	_ = l.journal.Note(ctx, journal.ReceiverNote, fmt.Sprintf("process %d since %s", os.Getpid(), time.Now().Format(time.RFC3339)))
	return nil
}

func (l *listening) closeStore() error {
	if l.stream != nil {
		l.stream.Close()
		return nil
	}
	return l.journal.Close()
}

func (l *listening) newReceiver() *receiver.Receiver {
	o := receiver.Options{
		Path: l.options.path, Secrets: l.verify.secrets, AuthHeader: l.options.auth.authHeader, AuthValue: l.verify.authValue,
		MaxBody: l.options.maxBody, Report: l.view.report, Stored: l.wake,
	}
	if l.stream != nil {
		o.MaxWaiting, o.Failed = l.options.maxConns, receiver.ReasonStream // the way to the stream is longer, and carries more at once
		return receiver.New(l.stream, o)
	}
	return receiver.New(l.journal, o)
}

// healthy returns why nothing can be stored now, or nil.
func (l *listening) healthy() error {
	if l.stream != nil {
		return l.stream.Healthy()
	}
	return l.journal.Healthy()
}

// verification reads the secrets. Without any way to verify, it refuses.
func (o *listenOptions) verification(ctx context.Context, app *App) (v verification, err error) {
	for _, file := range o.hmacFiles {
		value, err := app.secretFrom(file)
		if err != nil {
			return v, wrapFlag("--hmac-secret-file", err)
		}
		v.secrets = append(v.secrets, value)
	}
	if len(o.hmacFiles) == 0 {
		value, err := app.secretFromEnvironment(ctx, "HMAC_SECRET")
		if err != nil {
			return v, err
		}
		if value != "" {
			v.secrets = append(v.secrets, value)
		}
	}
	var auth secrets
	if err := o.auth.readAuth(ctx, app, &auth); err != nil {
		return v, err
	}
	v.authValue = auth.authValue
	if len(v.secrets) == 0 && len(o.subscribe) > 0 {
		made, err := newSecret()
		if err != nil {
			return v, err
		}
		app.redactor.Add(made)
		v.secrets = append(v.secrets, made)
	}
	return v, o.checkVerification(app, v)
}

func (o *listenOptions) checkVerification(app *App, v verification) error {
	given := len(v.secrets) > 0 || v.authValue != ""
	switch {
	case !given && !o.noVerify:
		return usageFailure("there is no secret to verify deliveries by").
			withHint("give it with --hmac-secret-file or TLXHOOK_HMAC_SECRET; --insecure-no-verify accepts deliveries from anybody")
	case given && o.noVerify:
		return usageFailure("--insecure-no-verify and a secret exclude each other")
	case o.noVerify:
		app.note("warning: deliveries are not verified; anybody who reaches this address can send them")
	}
	for _, s := range v.secrets {
		if len(s) < shortSecret {
			app.note("warning: the secret is shorter than %d bytes, and could be guessed", shortSecret)
		}
	}
	return nil
}

func (l *listening) wake() {
	if l.queue != nil {
		l.queue.Wake()
	}
}

// run receives until the context ends, and then ends its parts in the order in which nothing is lost: no more
// deliveries are asked for, those in flight are answered, those being forwarded are finished.
func (l *listening) run(parent context.Context, certificate *tls.Config) error {
	limited, cancel := l.app.limited(parent)
	defer cancel()
	ctx, stop := context.WithCancel(limited)
	defer stop()
	l.view.start(stop)
	defer l.view.close()
	listener, err := l.open(ctx, certificate)
	if err != nil {
		return l.verdict(unlessStopped(ctx, err))
	}
	serving, endServing := context.WithCancel(context.WithoutCancel(ctx))
	defer endServing()
	served := make(chan error, 1)
	go func() { served <- receiver.Serve(serving, listener, l.receiver) }()
	endWork, err := l.work(ctx)
	if err == nil {
		err = l.settle(ctx, listener.Addr().String(), certificate != nil)
	}
	err = unlessStopped(ctx, err)
	if err == nil {
		select {
		case <-ctx.Done():
		case err = <-served:
			err, served = localFailure("receive deliveries", err), nil
		}
	}
	stop()
	_ = receiver.Notify(context.WithoutCancel(ctx), l.app.lookup, "STOPPING=1") // a manager that hears nothing waits
	err = errors.Join(err, l.unsubscribe(ctx))
	endServing()
	if served != nil {
		if failed := <-served; failed != nil && err == nil {
			err = localFailure("receive deliveries", failed)
		}
	}
	endWork()
	return l.verdict(err)
}

// verdict says whether what was waited for came.
func (l *listening) verdict(err error) error {
	if got := l.view.counted(); err == nil && got < l.options.until {
		return notEnough(got, l.options.until)
	}
	return err
}

// open returns the socket that deliveries come to.
func (l *listening) open(ctx context.Context, certificate *tls.Config) (net.Listener, error) {
	listener, err := receiver.Activated(l.app.lookup)
	if err != nil {
		return nil, localFailure("listen", err)
	}
	if listener == nil {
		if listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", l.options.address); err != nil {
			return nil, listenFailure(err)
		}
	}
	listener = receiver.Limit(listener, l.options.maxConns)
	if certificate != nil {
		listener = tls.NewListener(listener, certificate)
	}
	return listener, nil
}

// work starts what runs beside receiving, and returns what ends it and waits for it.
func (l *listening) work(ctx context.Context) (end func(), err error) {
	working, cancel := context.WithCancel(context.WithoutCancel(ctx))
	end = func() {
		cancel()
		l.parts.Wait()
	}
	if l.queue != nil {
		l.parts.Go(func() { l.queue.Run(working) })
	}
	if l.journal != nil && l.options.retention > 0 {
		l.parts.Go(func() { l.forget(working) })
	}
	l.parts.Go(func() { receiver.Watchdog(working, l.app.lookup, l.healthy) })
	if l.options.metrics == "" {
		return end, nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", l.options.metrics)
	if err != nil {
		return end, localFailure("answer on --metrics-addr", err)
	}
	l.app.note("metrics on http://%s/metrics, health on /-/ready", listener.Addr())
	l.parts.Go(func() { _ = receiver.Serve(working, listener, l.metrics()) })
	return end, nil
}

// metrics returns what --metrics-addr answers.
func (l *listening) metrics() http.Handler {
	numbers := exporter.Receiver{Receiving: l.receiver.Stats}
	if l.journal != nil {
		numbers.Journal = l.journal.Stats
	}
	if l.queue != nil {
		numbers.Forwarding = l.queue.Stats
	}
	mux := receiver.HealthHandler(l.healthy, l.ears.healthy)
	mux.Handle("GET /metrics", exporter.NewMetrics(l.app.exporterBuild(), numbers.Collect))
	return mux
}

// forgetEvery is how often what is old is deleted.
const forgetEvery = time.Hour

// forget deletes what was settled long ago, now and every hour.
func (l *listening) forget(ctx context.Context) {
	tick := time.NewTicker(forgetEvery)
	defer tick.Stop()
	for {
		old := journal.Filter{
			States: []journal.State{journal.Forwarded, journal.Dead}, Before: time.Now().Add(-l.options.retention),
		}
		purged, err := l.journal.Purge(ctx, old, nil)
		if err == nil && purged > 0 {
			err = l.journal.Shrink(ctx)
		}
		if err != nil && ctx.Err() == nil {
			l.app.note("warning: old deliveries could not be deleted: %v", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// settle subscribes, and says that all is ready.
func (l *listening) settle(ctx context.Context, address string, secure bool) error {
	scheme := "http"
	if secure {
		scheme = "https"
	}
	l.app.note("listening on %s://%s%s", scheme, address, l.options.path)
	if l.stream != nil {
		l.app.note("deliveries are published to the stream %s", l.options.publish.name)
	} else if err := errors.Join(l.noteWaiting(ctx), l.subscribe(ctx)); err != nil {
		return err
	}
	if l.ears.note != nil {
		l.parts.Go(func() { l.stayAwake(ctx) })
	}
	if err := receiver.Notify(ctx, l.app.lookup, "READY=1"); err != nil {
		l.app.note("warning: %v", err)
	}
	return nil
}

// noteWaiting says what an earlier run has left.
func (l *listening) noteWaiting(ctx context.Context) error {
	stats, err := l.journal.Stats(ctx)
	if err != nil {
		return err
	}
	switch {
	case l.queue == nil:
		l.app.note("deliveries are stored and not forwarded, as there is no --forward-to, --forward or --exec")
	case stats.Waiting > 0:
		l.app.note("waiting to be forwarded from before: %d", stats.Waiting)
	}
	return nil
}

func isLoopbackAddress(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && targeturl.IsLoopback(strings.Trim(host, "[]"))
}

func asAddressError(err error) (*receiver.AddressError, bool) {
	return errors.AsType[*receiver.AddressError](err)
}
