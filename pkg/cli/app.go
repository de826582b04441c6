package cli

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/login"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// App holds the streams, settings and logins of one run.
type App struct {
	console

	build    Build
	log      *terminal.Log // writer of results in a CI system, else nil
	keyring  *credentials.Keyring
	environ  []string
	lookup   config.Lookup
	settings *config.Settings // set by prepare
	resolver *login.Resolver
	complete completer
}

// Annotations of commands.
const (
	// annotationTimeout is the default of --timeout for the command; "0" for one that runs until it is stopped.
	annotationTimeout = "timeout"
	// annotationFormats lists the output formats of a command that has its own: first the default in a terminal,
	// second the default elsewhere.
	annotationFormats = "formats"
	// annotationPlugin marks a command that always exits with the code of a monitoring plugin.
	annotationPlugin = "plugin"
)

const defaultTimeout = 30 * time.Second

// prepare loads the settings and applies them to the streams and the printer. It runs before each command.
func (a *App) prepare(ctx context.Context, cmd *cobra.Command) error {
	if name := emptyFlag(cmd); name != "" {
		return usageFailure("--%s must not be empty", name)
	}
	settings, err := a.loadSettings(ctx, cmd)
	if err != nil {
		return err
	}
	if settings.Timeout == 0 {
		if settings.Timeout = timeoutOf(cmd); settings.Timeout > 0 && settings.Origin("timeout") == "--timeout" {
			return usageFailure("--timeout 0: this command requires a limit").withHint("pass a long one, such as --timeout 24h")
		}
	}
	a.settings, a.given = settings, flagsOfRun(cmd.Flags())
	a.terminal.NoInput = settings.NoInput
	a.terminal.Status.Off, a.terminal.Status.Verbose = settings.Quiet, settings.Verbose > 0
	if isPlugin(cmd) && settings.Verbose == 0 {
		settings.Quiet = true // some monitors merge both streams
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
	for _, name := range config.UnknownVariables(a.environ, runtime.GOOS) {
		a.note("warning: unknown environment variable %s; see tlxhook help environment", name)
	}
	return nil
}

// timeoutOf returns the default of --timeout for a command; 0 for one that runs until it is stopped.
func timeoutOf(cmd *cobra.Command) time.Duration {
	if limit, err := time.ParseDuration(cmd.Annotations[annotationTimeout]); err == nil {
		return limit
	}
	return defaultTimeout
}

// loadSettings reads the settings. As the file may hold the timeout, only that of the command line or of the environment
// bounds it, or the default.
func (a *App) loadSettings(ctx context.Context, cmd *cobra.Command) (*config.Settings, error) {
	given, _ := cmd.Flags().GetDuration("timeout")
	text, _ := a.lookup(config.Prefix + "TIMEOUT")
	set, _ := time.ParseDuration(text) // Load reports an invalid one
	limit := cmp.Or(max(given, 0), max(set, 0), timeoutOf(cmd), defaultTimeout)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	settings, err := config.Load(ctx, cmd.Flags(), a.lookup)
	if errors.Is(err, context.DeadlineExceeded) { // report it in the requested format
		settings.Timeout = limit
		a.settings = settings
		err = failf(codeTimeout, "read %s: timed out after %s", settings.File, wait.Text(limit)).withHint("%s", moreTime(settings))
	}
	return settings, err
}

// decideFormat sets the format of a command with its own formats. For such a command it ignores a common format, and for
// its own formats a query, that is set in the environment or a file.
func decideFormat(settings *config.Settings, screen bool, cmd *cobra.Command) error {
	formats := ownFormats(cmd)
	if len(formats) == 0 {
		return nil
	}
	query := settings.JQ != "" || settings.Template != ""
	asked := settings.Origin("jq") == "--jq" || settings.Origin("template") == "--template"
	common := slices.Contains(output.Formats(), output.Format(settings.Output))
	ignored := settings.Origin("output") != "--output" && common
	switch {
	case slices.Contains(formats, settings.Output) && asked && !common:
		return usageFailure("--jq and --template cannot be combined with -o %s", settings.Output)
	case slices.Contains(formats, settings.Output) && !common:
		settings.JQ, settings.Template = "", ""
	case slices.Contains(formats, settings.Output):
	case settings.Output != "" && !ignored:
		known := strings.Join(slices.Compact(formats), ", ")
		return usageFailure("output format %q is not available for %s; valid formats: %s", settings.Output, cmd.CommandPath(), known)
	case query:
		settings.Output = string(output.JSONFormat)
	case screen:
		settings.Output = formats[0]
	default:
		settings.Output = formats[1]
	}
	return nil
}

// ownFormats returns the formats of a command that has its own; empty for others.
func ownFormats(cmd *cobra.Command) []string {
	return strings.Fields(cmd.Annotations[annotationFormats])
}

// outputOptions returns the options of the printer. A command prints its own formats itself.
func outputOptions(settings *config.Settings, cmd *cobra.Command) output.Options {
	o := output.Options{Format: output.Format(settings.Output), JQ: settings.JQ, Template: settings.Template}
	if len(ownFormats(cmd)) > 0 && !slices.Contains(output.Formats(), o.Format) {
		o.Format = output.JSONFormat
	}
	return o
}

// run returns the RunE function of a command: it loads the settings and calls do with the time limit of the run.
func (a *App) run(do func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return a.runUnlimited(func(ctx context.Context, args []string) error {
		ctx, cancel := a.limited(ctx)
		defer cancel()
		return do(ctx, args)
	})
}

// runUnlimited is run without the time limit, for a command that prompts or runs until it is stopped.
func (a *App) runUnlimited(do func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		return a.interruptible(cmd.Context(), func(ctx context.Context) error {
			if err := a.prepare(ctx, cmd); err != nil {
				return err
			}
			return do(ctx, args)
		})
	}
}

// runUntilStopped is runUnlimited for a command that runs until a signal stops it. The signal is a success at any time,
// also during the start; an error after it is that of the end.
func (a *App) runUntilStopped(do func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		return stoppable(cmd.Context(), a.terminal.EndBlocked, func(ctx context.Context) error {
			err := a.prepare(ctx, cmd)
			if err == nil {
				a.terminal.Status.Off = true
				err = do(ctx, args)
			}
			if _, bySignal := errors.AsType[signaled](context.Cause(ctx)); bySignal {
				return unlessStopped(ctx, a.unlessUnread(err))
			}
			return err
		})
	}
}

// unlessUnread returns err; or nil, and a warning, if a signal stopped the command and its last output was not read.
func (a *App) unlessUnread(err error) error {
	if errors.Is(a.results.err, terminal.ErrUnread) {
		a.results.err = nil
		a.warn("the last lines were dropped, output is not read")
	}
	if errors.Is(err, terminal.ErrUnread) {
		return nil
	}
	return err
}

// unlessStopped returns err, or nil if it only reports the end of ctx.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// limited returns a context with the time limit of the run.
func (a *App) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if a.settings.Timeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, a.settings.Timeout)
}

// logins returns the resolver of logins and accounts of the run. It is not safe for concurrent use.
func (a *App) logins() *login.Resolver {
	if a.resolver == nil {
		a.resolver = a.newLogins()
	}
	a.resolver.Settings = a.settings
	if a.settings.Debug {
		a.resolver.Trace = login.Trace(a.terminal.Err)
	}
	return a.resolver
}

// newLogins returns another resolver, for a server beside the run.
func (a *App) newLogins() *login.Resolver {
	r := login.NewResolver(a.lookup, a.redactor, a.keyring)
	r.Settings, r.UserAgent = a.settings, "tlxhook/"+a.build.Version
	r.Stderr, r.Observer = a.terminal.Err, requestStatus{a.terminal.Status}
	r.Used = func(l *login.Login) {
		if a.settings.Verbose > 0 {
			a.note("Using %s tokens from %s for %s", l.TokenKind, l.From(), secret.MaskURL(l.Options.BaseURL))
		}
	}
	return r
}

// task shows an activity until end is called.
func (a *App) task(text string) (end func()) { return a.terminal.Status.Begin(text).End }

// requestStatus reports slow requests and pauses on the status line.
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
