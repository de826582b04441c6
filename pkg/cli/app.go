package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/login"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// App is what every command has at hand.
type App struct {
	console

	build    Build
	log      *terminal.Log // below results in a CI system, else nil
	redactor *secret.Redactor
	environ  []string
	lookup   config.Lookup
	settings *config.Settings // decided before a command runs
	resolver *login.Resolver
	complete completer
}

// Annotations of commands.
const (
	// annotationTimeout is the time that a run of the command may take where nobody says otherwise; "0" for a
	// command that runs until it is stopped.
	annotationTimeout = "timeout"
	// annotationFormats are the formats that the command speaks where they are not those of all others: first
	// that on a screen, second that elsewhere.
	annotationFormats = "formats"
	// annotationPlugin marks a command that ends like a monitoring plugin, whatever happens.
	annotationPlugin = "plugin"
)

const defaultTimeout = 30 * time.Second

// prepare decides the settings before a command runs, and limits how long it may take.
func (a *App) prepare(cmd *cobra.Command) error {
	settings, err := config.Load(cmd.Flags(), a.lookup)
	if err != nil {
		return err
	}
	if settings.Timeout == 0 {
		settings.Timeout = defaultTimeout
		if text, ok := cmd.Annotations[annotationTimeout]; ok {
			if settings.Timeout, err = time.ParseDuration(text); err != nil {
				return err
			}
		}
	}
	a.settings = settings
	a.terminal.NoInput = settings.NoInput
	a.terminal.Status.Off, a.terminal.Status.Verbose = settings.Quiet, settings.Verbose > 0
	if isPlugin(cmd) && settings.Verbose == 0 {
		settings.Quiet = true // some monitors mix both streams
	}
	a.quiet, a.showSecrets = settings.Quiet, settings.ShowSecrets
	if err := a.terminal.SetColor(settings.Color); err != nil {
		return usageFailure("%w", err)
	}
	if err := decideFormat(settings, a.terminal.IsScreen(), cmd); err != nil {
		return err
	}
	if format := output.Format(a.settings.Output); a.log != nil {
		a.log.JSON = format == output.JSONFormat || format == output.NDJSONFormat
		a.log.Own = format == health.FormatGitHub
	}
	if a.printer, err = output.New(outputOptions(settings, cmd), a.terminal); err != nil {
		return err
	}
	for _, name := range config.UnknownVariables(a.environ) {
		a.note("warning: %s is set, but is not a variable of tlxhook; see tlxhook help environment", name)
	}
	return nil
}

// decideFormat settles the format of a command that has formats of its own. One that the environment or a file
// chose for other commands does not apply to it.
func decideFormat(settings *config.Settings, screen bool, cmd *cobra.Command) error {
	formats := ownFormats(cmd)
	if len(formats) == 0 || slices.Contains(formats, settings.Output) {
		return nil
	}
	elsewhere := settings.Origin("output") != "--output" && slices.Contains(output.Formats(), output.Format(settings.Output))
	switch {
	case settings.Output != "" && !elsewhere:
		known := strings.Join(slices.Compact(formats), ", ")
		return usageFailure("output format %q does not exist for %s; there are %s", settings.Output, cmd.CommandPath(), known)
	case screen:
		settings.Output = formats[0]
	default:
		settings.Output = formats[1]
	}
	return nil
}

// ownFormats returns the formats of a command that has formats of its own.
func ownFormats(cmd *cobra.Command) []string {
	return strings.Fields(cmd.Annotations[annotationFormats])
}

// outputOptions are how results are printed. What a command writes in a format of its own, the printer does not.
func outputOptions(settings *config.Settings, cmd *cobra.Command) output.Options {
	o := output.Options{Format: output.Format(settings.Output), JQ: settings.JQ, Template: settings.Template}
	if len(ownFormats(cmd)) > 0 && !slices.Contains(output.Formats(), o.Format) {
		o.Format = output.JSONFormat
	}
	return o
}

// run returns what cobra calls for a command: settings first, then the command within its limit of time.
func (a *App) run(do func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return a.runUnlimited(func(ctx context.Context, args []string) error {
		ctx, cancel := a.limited(ctx)
		defer cancel()
		return do(ctx, args)
	})
}

// runUnlimited is run for a command that asks questions or runs until it is stopped, and limits its own parts.
func (a *App) runUnlimited(do func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := a.prepare(cmd); err != nil {
			return err
		}
		return interruptible(cmd.Context(), func(ctx context.Context) error { return do(ctx, args) })
	}
}

// runUntilStopped is runUnlimited for a command that serves until a signal stops it. A stop is success at any moment,
// also while the command starts.
func (a *App) runUntilStopped(do func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return a.runUnlimited(func(ctx context.Context, args []string) error {
		a.terminal.Status.Off = true
		err := do(ctx, args)
		if _, bySignal := errors.AsType[signaled](context.Cause(ctx)); bySignal {
			return unlessStopped(ctx, err)
		}
		return err
	})
}

// unlessStopped returns nil for an error that only reports the end of ctx.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// limited returns a context with the limit of time of the run.
func (a *App) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if a.settings.Timeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, a.settings.Timeout)
}

// shown returns subscriptions with their targets as they may be shown.
func shown(show func(string) string, all []tripletex.Subscription) []tripletex.Subscription {
	masked := make([]tripletex.Subscription, len(all))
	for i, s := range all {
		s.TargetURL = show(s.TargetURL)
		masked[i] = s
	}
	return masked
}

// logins returns what finds the logins and accounts of the run.
func (a *App) logins() *login.Resolver {
	if a.resolver == nil {
		a.resolver = login.NewResolver(a.lookup, a.redactor)
		a.resolver.UserAgent = "tlxhook/" + a.build.Version
		a.resolver.Stderr, a.resolver.Observer = a.terminal.Err, requestStatus{a.terminal.Status}
		a.resolver.Used = func(l *login.Login) {
			if a.settings.Verbose > 0 {
				a.note("using %s tokens from %s, at %s", l.TokenKind, l.From(), secret.MaskURL(l.Options.BaseURL))
			}
		}
	}
	a.resolver.Settings = a.settings
	if a.settings.Debug {
		a.resolver.Trace = login.Trace(a.terminal.Err)
	}
	return a.resolver
}

// requestStatus shows requests that take long.
type requestStatus struct{ *terminal.Status }

// Began implements tripletex.Observer.
func (s requestStatus) Began(operation string) func() {
	return s.Begin("Waiting for Tripletex: " + operation).End
}

// Waits implements tripletex.Observer.
func (s requestStatus) Waits(pause time.Duration, rateLimit bool) {
	if rateLimit {
		s.Wait(pause, "for the rate limit")
		return
	}
	s.Wait(pause, "before the next attempt")
}

// loginFlags returns the flags that selected the login, for another command line.
func loginFlags(settings *config.Settings) string {
	text := ""
	if settings.Origin("profile") == "--profile" {
		text = " -p " + settings.Profile
	}
	if settings.Origin("company") == "--company" {
		text += fmt.Sprintf(" --company %d", settings.Company)
	}
	return text
}
