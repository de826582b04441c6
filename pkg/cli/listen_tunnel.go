package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/listen"
	"github.com/tlxhook/tlxhook/pkg/tunnel"
)

// tunnelFlags name the program that gives listen its public URL.
type tunnelFlags struct{ program, command string }

func (f *tunnelFlags) bind(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.program, "tunnel", "", "start the tunnel `PROGRAM`: "+strings.Join(tunnel.Programs(), ", "))
	cmd.Flags().StringVar(&f.command, "tunnel-command", "", "start another tunnel by `COMMAND`, such as 'prog {port}'")
}

func (f *tunnelFlags) on() bool { return f.program != "" || f.command != "" }

// checkPublic validates the flags that say where Tripletex reaches this process.
func (o *listenOptions) checkPublic(sandbox bool) error {
	switch {
	case o.tunnel.on() && o.tls.cert != "":
		return usageFailure("--tls-cert cannot be combined with a tunnel, which has its own certificate")
	case o.tunnel.on() && len(o.subscribe) == 0:
		return usageFailure("--tunnel and --tunnel-command require --subscribe")
	case len(o.subscribe) == 0 && o.publicURL != "":
		return usageFailure("--public-url requires --subscribe")
	case len(o.subscribe) > 0 && o.publicURL == "" && !o.tunnel.on() && !sandbox:
		return usageFailure("--subscribe requires a public URL").
			withHint("pass --tunnel cloudflared, or the --public-url of a running tunnel")
	}
	return o.tunnel.check(o.publicURL)
}

// check validates the flags of tunnels and a public URL.
func (f *tunnelFlags) check(publicURL string) error {
	switch {
	case f.program != "" && f.command != "":
		return usageFailure("--tunnel cannot be combined with --tunnel-command")
	case f.on() && publicURL != "":
		return usageFailure("--public-url cannot be combined with a tunnel, which has its own URL")
	case f.program != "" && !slices.Contains(tunnel.Programs(), f.program):
		return usageFailure("--tunnel %q: must be %s", f.program, strings.Join(tunnel.Programs(), ", ")).
			withHint("start another program with --tunnel-command 'prog {port}'")
	case publicURL != "":
		if err := listen.CheckPublicURL(publicURL); err != nil {
			return usageFailure("%w", err)
		}
	}
	return nil
}

// programEnviron returns the environment of a program of the user: without variables of tlxhook and without known secrets.
func (a *App) programEnviron() []string {
	return slices.DeleteFunc(slices.Clone(a.environ), func(pair string) bool {
		return strings.HasPrefix(strings.ToUpper(pair), config.Prefix) || a.redactor.Redact(pair) != pair
	})
}

// open returns the tunnel of the flags, not started; nil without one.
func (f *tunnelFlags) open(app *App) (*tunnel.Tunnel, error) {
	if !f.on() {
		return nil, nil
	}
	return tunnel.New(tunnel.Options{
		Program: f.program, Command: f.command, Environ: app.programEnviron(), Redact: app.redactor.Redact, Note: app.note,
	})
}
