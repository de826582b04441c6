package listen

import (
	"context"
	"crypto/x509"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// Apps are the apps that deliveries are forwarded to, as named on a command line.
type Apps struct {
	// ForwardTo is the URL of the app for all events.
	ForwardTo string
	// Forward has an EVENT=URL for each app that takes only some events.
	Forward []string
	// Command is the program that is run for each delivery, and its arguments.
	Command []string
	// Environ is the environment of that program.
	Environ []string
	// AllowRemote permits apps on other machines.
	AllowRemote bool
	// CAFile has the PEM certificates that verify apps; empty for those of the system.
	CAFile string
	// Parallel is the number of deliveries that each app gets at once; 0 means [receiver.DefaultParallel].
	Parallel int
	// Redact removes secrets from the answers of apps; nil removes only those of their URLs.
	Redact func(string) string
}

// AppError reports an app that cannot be used.
type AppError struct{ Err error }

// Error implements error.
func (e *AppError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *AppError) Unwrap() error { return e.Err }

func appErrorf(format string, args ...any) error { return &AppError{fmt.Errorf(format, args...)} }

// Any reports whether an app is named.
func (a Apps) Any() bool { return a.ForwardTo != "" || len(a.Forward) > 0 || len(a.Command) > 0 }

// Routes returns the routes to the apps, those for some events first. The error is an [AppError] or about a target.
func (a Apps) Routes(ctx context.Context) ([]receiver.Route, error) {
	roots, err := a.rootCAs(ctx)
	if err != nil {
		return nil, err
	}
	named, err := a.named()
	if err != nil {
		return nil, err
	}
	var routes []receiver.Route
	for _, app := range named {
		target, err := a.open(ctx, app.url, roots)
		if err != nil {
			return nil, err
		}
		routes = append(routes, receiver.Route{Event: app.event, App: target})
	}
	if len(a.Command) > 0 {
		if _, err := exec.LookPath(a.Command[0]); err != nil {
			return nil, appErrorf("--exec: %w", err)
		}
		routes = append(routes, receiver.Route{Event: "*", App: &receiver.Command{Args: a.Command, Environ: a.Environ, Redact: a.Redact}})
	}
	for i, r := range routes {
		if slices.ContainsFunc(routes[:i], func(before receiver.Route) bool { return strings.EqualFold(before.Event, r.Event) }) {
			return nil, appErrorf("%s is forwarded to two apps: %s would get no delivery", r.Event, r.App)
		}
		routes[i].Parallel = a.Parallel
	}
	return routes, nil
}

// namedApp is the URL of an app and the pattern of the events that it takes.
type namedApp struct{ event, url string }

// named returns the apps that have a URL.
func (a Apps) named() ([]namedApp, error) {
	var all []namedApp
	for _, text := range a.Forward {
		event, address, found := strings.Cut(text, "=")
		if !found || event == "" || address == "" || strings.ContainsAny(event, `:/@[\`) { // the "=" may be one of a query
			return nil, appErrorf("--forward %s: must be EVENT=URL", secret.MaskURL(text))
		}
		all = append(all, namedApp{event, address})
	}
	if a.ForwardTo != "" {
		all = append(all, namedApp{"*", a.ForwardTo})
	}
	return all, nil
}

// lookUpTimeout bounds how long the host name of an app is looked up when the process starts.
const lookUpTimeout = 2 * time.Second

func (a Apps) open(ctx context.Context, address string, roots *x509.CertPool) (*receiver.Target, error) {
	ctx, cancel := context.WithTimeout(ctx, lookUpTimeout)
	defer cancel()
	options := receiver.TargetOptions{AllowRemote: a.AllowRemote, Parallel: a.Parallel, RootCAs: roots, Redact: a.Redact}
	return receiver.OpenTarget(ctx, address, options)
}

// rootCAs returns the certificates of CAFile, or nil without one.
func (a Apps) rootCAs(ctx context.Context) (*x509.CertPool, error) {
	if a.CAFile == "" || a.ForwardTo == "" && len(a.Forward) == 0 {
		return nil, nil
	}
	raw, err := wait.ReadFile(ctx, a.CAFile)
	if err != nil && ctx.Err() != nil {
		return nil, err
	}
	if err != nil {
		return nil, appErrorf("--forward-ca-file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(raw) {
		return nil, appErrorf("--forward-ca-file: %s does not contain a PEM certificate", a.CAFile)
	}
	return pool, nil
}
