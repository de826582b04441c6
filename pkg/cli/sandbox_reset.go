package cli

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/calibrate"
	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/login"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// resetOptions are the flags of sandbox reset.
type resetOptions struct {
	companies     int
	subscriptions int
	rateLimit     string
	switchFlags
}

func newSandboxReset(app *App) *cobra.Command {
	o := &resetOptions{}
	defaults := sandbox.DefaultOptions()
	cmd := &cobra.Command{
		Use:   "reset",
		Short: "Delete the sandbox and create a new one",
		Long: `Delete all data of the sandbox and create a new one, with the tokens, client
companies and subscriptions that the flags describe.

Switches select between behaviors that the Tripletex documentation leaves open.
The default is listed first. Switches:

` + switchesHelp(),
		Example: `  tlxhook sandbox reset
  tlxhook sandbox reset --subscriptions 2500 --rate-limit 100/1s
  tlxhook sandbox reset --switch duplicates=refuse --switch limit-reset=present`,
		Args: noArgs,
		RunE: app.run(func(ctx context.Context, _ []string) error { return sandboxReset(ctx, app, o) }),
	}
	flags := cmd.Flags()
	flags.IntVar(&o.companies, "companies", defaults.Companies, "create `N` client companies, up to 100000")
	flags.IntVar(&o.subscriptions, "subscriptions", 0, "create `N` subscriptions of the login company, up to 100000")
	flags.StringVar(&o.rateLimit, "rate-limit", "1000/10s", "rate limit of the API as `REQUESTS/DURATION`")
	o.bind(cmd)
	return cmd
}

// switchWidth is the width of the descriptions of switches, in columns: they are indented by 23.
const switchWidth = 57

func switchesHelp() string {
	var text strings.Builder
	for _, s := range sandbox.AllSwitches() {
		fmt.Fprintf(&text, "  %-20s %s\n", s.Name, strings.Join(s.Values, ", "))
		for _, line := range terminal.Wrap(strings.Fields(s.About), switchWidth) {
			fmt.Fprintf(&text, "  %-20s %s\n", "", line)
		}
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// switchFlags select switches by name and from a report of calibrate.
type switchFlags struct {
	switches []string
	from     string
}

func (f *switchFlags) bind(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&f.switches, "switch", nil, "set a switch as `NAME=VALUE`; repeatable")
	cmd.Flags().StringVar(&f.from, "from", "", "set the switches that sandbox calibrate observed, in its report `FILE`")
}

// read returns the switches of the report, overridden by those given by name.
func (f *switchFlags) read(ctx context.Context) (sandbox.Switches, error) {
	switches := sandbox.Switches{}
	if f.from != "" {
		adopted, err := calibrate.Adopt(ctx, f.from)
		if err != nil {
			return nil, wrapFlag("--from", err)
		}
		switches = adopted
	}
	named, err := sandbox.ParseSwitches(f.switches)
	if err != nil {
		return nil, usageFailure("%w", err)
	}
	maps.Copy(switches, named)
	return switches, nil
}

func sandboxReset(ctx context.Context, app *App, o *resetOptions) error {
	limit, err := sandbox.ParseRateLimit(o.rateLimit)
	if err != nil {
		return usageFailure("--rate-limit %w", err)
	}
	switches, err := o.read(ctx)
	if err != nil {
		return err
	}
	folder, err := app.logins().OwnSandbox(ctx)
	if err != nil {
		return err
	}
	options := sandbox.Options{Companies: o.companies, Subscriptions: o.subscriptions, Switches: switches, RateLimit: limit}
	if err := options.Check(); err != nil {
		return usageFailure("%w", err)
	}
	if err := sandbox.Reset(ctx, folder, options); err != nil {
		return err
	}
	if err := login.SandboxSessions(folder).Delete(config.SandboxProfile, credentials.Session); err != nil {
		return fmt.Errorf("delete the old session: %w", err)
	}
	if err := removeSandboxFingerprints(app.lookup); err != nil {
		return localFailure("delete the old secret fingerprints", err)
	}
	app.note("Created a new sandbox with %s and %s",
		terminal.Count(o.companies, "client company"), terminal.Count(o.subscriptions, "subscription"))
	return nil
}
