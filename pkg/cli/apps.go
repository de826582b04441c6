package cli

import (
	"context"
	"crypto/x509"
	"errors"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/receiver"
)

// appFlags are the flags that say which apps deliveries are forwarded to.
type appFlags struct {
	forwardTo   string
	forward     []string
	command     []string // the program of --exec and its arguments
	allowRemote bool
	caFile      string // verifies the certificates of apps; empty for those of the system
	parallel    int    // at once; 0 is the usual
}

func (o *appFlags) bind(cmd *cobra.Command) {
	o.command = []string{""}
	flags := cmd.Flags()
	flags.StringVar(&o.forwardTo, "forward-to", "", "forward to the app at `URL`")
	flags.StringArrayVar(&o.forward, "forward", nil, "forward some events to another app: `EVENT=URL`")
	flags.StringVar(&o.command[0], "exec", "", "run `PROGRAM` for each delivery")
	flags.StringVar(&o.caFile, "forward-ca-file", "", "verify the certificate of the app with the PEM certificates in `FILE`")
	flags.BoolVar(&o.allowRemote, "allow-remote", false, "forward to other machines too")
}

// withCommand takes what stands behind "--" as the arguments of --exec.
func (o *appFlags) withCommand(run func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if cmd.ArgsLenAtDash() != 0 && len(args) > 0 {
			return noArgs(cmd, args)
		}
		o.command = append(o.command, args...)
		return run(cmd, args)
	}
}

func (o *appFlags) checkApps() error {
	switch {
	case o.command[0] == "" && len(o.command) > 1:
		return usageFailure("what stands behind \"--\" are arguments for --exec, which is not given")
	case o.command[0] != "" && o.forwardTo != "":
		return usageFailure("--exec and --forward-to exclude each other")
	}
	return nil
}

// any tells whether an app is named.
func (o *appFlags) any() bool { return o.forwardTo != "" || len(o.forward) > 0 || o.command[0] != "" }

// routes returns the apps, the ones for some events first.
func (o *appFlags) routes(ctx context.Context, app *App) ([]receiver.Route, error) {
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
	for i := range routes {
		routes[i].Parallel = o.parallel
	}
	return routes, nil
}

// lookUpLimit is how long the name of an app is looked up when listen starts.
const lookUpLimit = 2 * time.Second

func (o *appFlags) target(ctx context.Context, address string) (*receiver.Target, error) {
	roots, err := rootCAs(o.caFile)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, lookUpLimit)
	defer cancel()
	options := receiver.TargetOptions{AllowRemote: o.allowRemote, Parallel: max(o.parallel, 8), RootCAs: roots}
	target, err := receiver.OpenTarget(ctx, address, options)
	if err != nil {
		return nil, remoteHint(err)
	}
	return target, nil
}

// rootCAs returns the certificates of a PEM file, or nil without a file.
func rootCAs(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, usageFailure("--forward-ca-file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(raw) {
		return nil, usageFailure("--forward-ca-file: %s holds no PEM certificate", file)
	}
	return pool, nil
}

// remoteHint returns the failure of an address of an app.
func remoteHint(err error) error { return remoteFailure(err, "", "--allow-remote permits it") }

// remoteFailure returns the failure of an address in a flag, with a hint if --allow-remote would permit it.
func remoteFailure(err error, flag, hint string) error {
	f := usageFailure("%s%w", flag, err)
	if address, ok := errors.AsType[*receiver.AddressError](err); ok && !address.Never {
		return f.withHint("%s", hint)
	}
	return f
}
