package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

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
	switches      []string
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
	flags.IntVar(&o.companies, "companies", defaults.Companies, "number of client companies `N`, up to 100000")
	flags.IntVar(&o.subscriptions, "subscriptions", 0, "number of subscriptions of the login company `N`, up to 100000")
	flags.StringVar(&o.rateLimit, "rate-limit", "1000/10s", "rate limit of the API as `REQUESTS/DURATION`")
	flags.StringArrayVar(&o.switches, "switch", nil, "set a switch as `NAME=VALUE`; repeatable")
	return cmd
}

// switchWidth is the width of the descriptions of switches, in columns: they are indented by 22.
const switchWidth = 58

func switchesHelp() string {
	var text strings.Builder
	for _, s := range sandbox.AllSwitches() {
		fmt.Fprintf(&text, "  %-19s %s\n", s.Name, strings.Join(s.Values, ", "))
		for _, line := range wrapped(strings.Fields(s.About), switchWidth) {
			fmt.Fprintf(&text, "  %-19s %s\n", "", line)
		}
	}
	return strings.TrimSuffix(text.String(), "\n")
}

func sandboxReset(ctx context.Context, app *App, o *resetOptions) error {
	limit, err := sandbox.ParseRateLimit(o.rateLimit)
	if err != nil {
		return usageFailure("--rate-limit %w", err)
	}
	switches, err := sandbox.ParseSwitches(o.switches)
	if err != nil {
		return usageFailure("%w", err)
	}
	folder, err := login.SandboxFolder(app.lookup)
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
		return localFailure("delete the old session", err)
	}
	if err := removeSandboxFingerprints(app.lookup); err != nil {
		return localFailure("delete the old secret fingerprints", err)
	}
	app.note("Created a new sandbox with %s and %s",
		terminal.Count(o.companies, "client company"), terminal.Count(o.subscriptions, "subscription"))
	return nil
}
