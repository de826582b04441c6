// Package calibrate runs experiments on a Tripletex account and compares the result with the switches of the sandbox. It
// removes the objects that it creates.
package calibrate

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// MaxRequests bounds the requests of a run, except for the cleanup.
const MaxRequests = 80

var (
	// ErrProduction means that the API is the production environment.
	ErrProduction = errors.New("experiments are not allowed in the production environment of Tripletex")
	// ErrCleanup means that subscriptions or objects remain. The next run removes them.
	ErrCleanup = errors.New("clean up after the experiments")
	// errBudget means that a run needs more requests than allowed, for example after rate limits.
	errBudget = fmt.Errorf("more than %d requests", MaxRequests)
)

// Login is a login and the company that it acts for.
type Login struct {
	Credentials func(context.Context) (tripletex.Credentials, error)
	Company     int64
}

// Options configure a run.
type Options struct {
	// BaseURL is the base URL of the API. PlainHTTP is that of [tripletex.Options].
	BaseURL   string
	PlainHTTP bool
	Transport http.RoundTripper
	Login     Login
	// Second is another login, for the visibility of subscriptions and for the limits of accountants; nil for none.
	Second *Login
	// Deliveries enable the experiments that receive deliveries; nil for none.
	Deliveries *Deliveries
	// Trace is called after each request, with secrets removed; nil for none.
	Trace func(tripletex.Exchange)
	// Secret is called with each session token, so that it is never printed; nil for none.
	Secret func(secret.Text)
	// Progress is called when an experiment begins, and the returned function when it ends; nil for none.
	Progress func(text string) (end func())
}

// Deliveries configure the experiments that receive deliveries. They create customers in the company of the login.
type Deliveries struct {
	// PublicURL reaches Receiver from Tripletex.
	PublicURL string
	Receiver  *Receiver
	// Wait is the longest wait for retries.
	Wait time.Duration
}

// CheckBaseURL returns the error of [tripletex.New] for a URL that a client refuses, such as http to another machine, and
// ErrProduction for the production environment.
func CheckBaseURL(base string, plainHTTP bool) error {
	if _, err := tripletex.New(tripletex.Options{BaseURL: base, PlainHTTP: plainHTTP}); err != nil {
		return err
	}
	u, err := url.Parse(base)
	if err != nil {
		return err
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if host == "tripletex.no" || strings.HasSuffix(host, ".tripletex.no") {
		return ErrProduction
	}
	return nil
}

// Run runs the experiments and cleans up after them and killed earlier runs. A report is returned unless the run
// fails before the first experiment or is canceled.
func Run(ctx context.Context, o Options) (report *Report, err error) {
	if err := CheckBaseURL(o.BaseURL, o.PlainHTTP); err != nil {
		return nil, err
	}
	if o.Transport == nil {
		o.Transport = tripletex.NewTransport()
	}
	if o.Trace != nil {
		o.Transport = tripletex.Traced(o.Transport, o.Trace)
	}
	l := &lab{o: o, base: strings.TrimRight(o.BaseURL, "/"), run: strings.ToLower(rand.Text()[:12]), findings: map[string]*Finding{}}
	start := time.Now().UTC()
	defer func() { err = errors.Join(err, l.clean(ctx)) }()
	if err := l.begin(ctx); err != nil {
		return nil, err
	}
	for _, e := range experiments() {
		if err := l.perform(ctx, e); err != nil {
			return nil, err
		}
	}
	l.observeLimit()
	return l.report(start), nil
}

// begin creates the session, checks the permission and removes the leftovers of earlier runs.
func (l *lab) begin(ctx context.Context) error {
	session, err := l.logIn(ctx, l.o.Login)
	if err != nil {
		return err
	}
	l.own = caller{session, l.o.Login.Company}
	got, err := l.call(ctx, http.MethodGet, "/event/subscription?count=1", nil)
	if err != nil {
		return err
	}
	if err := got.refusal("list subscriptions"); err != nil {
		return err
	}
	if err := l.removeMarked(ctx); err != nil {
		return err
	}
	l.begun = true
	return nil
}

// perform runs an experiment. Its failure is a result, unless the context has ended.
func (l *lab) perform(ctx context.Context, e experiment) error {
	if l.o.Progress != nil {
		defer l.o.Progress(e.about)()
	}
	l.trail = nil
	err := e.run(ctx, l)
	if ctx.Err() != nil {
		return fmt.Errorf("calibrate: %w", context.Cause(ctx))
	}
	for _, name := range e.switches {
		l.conclude(name, err)
	}
	return nil
}

// cleanupTime bounds the removal after the end of a run.
const cleanupTime = 2 * time.Minute

// clean removes the objects of the run, also after an interruption.
func (l *lab) clean(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	l.cleaning = true
	defer l.endSessions(ctx)
	if !l.begun {
		return nil
	}
	if err := errors.Join(l.removeMarked(ctx), l.removeCustomers(ctx)); err != nil {
		return fmt.Errorf("%w: %w; there may be subscriptions with %s in the target, and customers named %q", ErrCleanup, err, mark, customerName)
	}
	return nil
}
