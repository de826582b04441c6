package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/login"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// watchOptions are the flags of watch.
type watchOptions struct {
	selection selection
	fleet     fleetFlags
	interval  time.Duration
	lasting   time.Duration
	command   []string // the program of --exec and its arguments
	heartbeat string
	until     string
	plain     bool
	pace      time.Duration // minimum time per company without --interval
}

// The range of --interval: shorter would use up the rate limit.
const (
	shortestInterval = time.Second
	longestInterval  = 24 * time.Hour
)

const watchLong = `Watch the status of subscriptions until stopped, or for --timeout. Unhealthy
subscriptions are printed first, then one line per change. A terminal shows a
live view instead: q quits, ? shows the keys. --plain, a pipe or another
--output prints lines.

Select subscriptions by ID, or with --event and --target. The default is all
subscriptions.

--exec runs a program for each change. The change is passed as JSON on standard
input and in the variables TLXHOOK_KIND, TLXHOOK_SUBSCRIPTION_ID, TLXHOOK_EVENT,
TLXHOOK_OLD_STATUS, TLXHOOK_NEW_STATUS, TLXHOOK_STATE, TLXHOOK_TARGET_HOST,
TLXHOOK_COMPANY and TLXHOOK_COMPANY_NAME. Arguments of the program follow "--".
The program is killed after 30 seconds. It is retried until it exits with 0,
also after a restart.

--until waits for a condition. The exit code is 0 if it is met, and 1 if
--timeout ends first. Without --until the first signal to stop ends the watch
with exit code 0.

--all-companies watches every client company of the login; --profiles and
--all-profiles watch several logins. Each company is polled once per
--interval, one after the other. Without --interval at most ten companies are
polled per second. A failure in one company does not stop the others.`

func newWatch(app *App) *cobra.Command {
	o, program := &watchOptions{}, ""
	cmd := &cobra.Command{
		Use:   "watch [ID...] [-- ARG...]",
		Short: "Watch subscriptions for status changes",
		Long:  watchLong,
		Example: `  tlxhook watch
  tlxhook watch --event 'order.*' --for 2m -o ndjson
  tlxhook watch --exec ./notify-slack -- /etc/tlxhook/slack-url
  tlxhook watch --all-companies --interval 5m
  tlxhook watch 4711 --until active --timeout 10m`,
		Annotations: map[string]string{annotationTimeout: "0s"},
		RunE: func(cmd *cobra.Command, args []string) error {
			ids := args
			if dash := cmd.ArgsLenAtDash(); dash >= 0 {
				ids = args[:dash]
			}
			o.command = append([]string{program}, args[len(ids):]...)
			if !cmd.Flags().Changed("interval") {
				o.pace = health.Pace
			}
			run := app.runUntilStopped
			if o.until != "" {
				run = app.runUnlimited
			}
			return run(func(ctx context.Context, _ []string) error { return watch(ctx, app, o, ids) })(cmd, args)
		},
	}
	o.selection.bindNames(cmd)
	cmd.ValidArgsFunction = app.complete.subscriptions
	o.fleet.bindChoice(cmd)
	flags := cmd.Flags()
	flags.DurationVar(&o.interval, "interval", 30*time.Second, "poll every `DURATION`, 1s to 24h, with 10% jitter")
	flags.DurationVar(&o.lasting, "for", 0, "report changes only if they last for `DURATION`, up to 24h (default 0s)")
	flags.StringVar(&program, "exec", "", "run `PROGRAM` for each change")
	flags.StringVar(&o.heartbeat, "heartbeat-url-file", "", "request the URL in `FILE` after each complete poll")
	flags.StringVar(&o.until, "until", "", "wait for `CONDITION`: active (all subscriptions) or changed (any)")
	flags.BoolVar(&o.plain, "plain", false, "print lines in a terminal too")
	complete(cmd, "until", fixed(health.Conditions()...))
	return cmd
}

// check validates the flags.
func (o *watchOptions) check(ids []string) error {
	switch {
	case o.interval < shortestInterval || o.interval > longestInterval:
		return usageFailure("--interval %s: must be from %s to %s", o.interval, shortestInterval, wait.Text(longestInterval))
	case o.lasting < 0 || o.lasting > longestInterval:
		return usageFailure("--for %s: must be from 0s to %s", o.lasting, wait.Text(longestInterval))
	case o.until != "" && !slices.Contains(health.Conditions(), health.Condition(o.until)):
		return usageFailure("--until %q: must be active or changed", o.until)
	case o.lasting > 0 && o.until == string(health.UntilActive):
		return usageFailure("--for cannot be combined with --until active, which ends at the first poll that meets it")
	case o.command[0] == "" && len(o.command) > 1:
		return usageFailure("arguments after \"--\" require --exec")
	case o.command[0] == "":
		o.command = nil
	}
	if o.command != nil {
		if err := (health.Command{Args: o.command}).Check(); err != nil {
			return usageFailure("--exec: %w", err)
		}
	}
	return o.selection.read(ids, false, o.fleet.Many())
}

func watch(ctx context.Context, app *App, o *watchOptions, ids []string) error {
	if err := o.check(ids); err != nil {
		return err
	}
	ctx, cancel := app.limited(ctx)
	defer cancel()
	w := &health.Watcher{Until: health.Condition(o.until), Timeout: app.settings.Timeout, Note: app.note, Warn: app.warn}
	var err error
	if o.heartbeat != "" {
		if w.Heartbeat, err = heartbeat(ctx, app.secrets(), o.heartbeat); err != nil {
			return wrapFlag("--heartbeat-url-file", err)
		}
	}
	if w.Watch, err = o.watch(ctx, app.logins()); err != nil {
		return err
	}
	if o.command != nil {
		if w.Notifier, err = o.notifier(app); err != nil {
			return err
		}
	}
	defer w.Notifier.Close()
	app.terminal.Status.Off = true
	messages := terminal.NewSwitchedWriter(app.terminal.Err)
	app.terminal.Err = messages // several goroutines print messages
	ctx, quit := context.WithCancelCause(ctx)
	defer quit(nil)
	w.View = o.view(app, messages, func() { quit(signaled{os.Interrupt}) })
	err = w.Run(ctx)
	if w.Until == "" {
		return unlessStopped(ctx, err)
	}
	return asInterrupted(ctx, err)
}

// watch returns the watch that the flags describe.
func (o *watchOptions) watch(ctx context.Context, resolver *login.Resolver) (*health.Watch, error) {
	if err := o.fleet.check(resolver.Settings); err != nil {
		return nil, err
	}
	logins, err := resolver.Logins(ctx, o.fleet.Scope)
	if err != nil {
		return nil, err
	}
	w := &health.Watch{
		Logins: logins, Many: o.fleet.Many(), Filter: o.selection.filter, For: o.lasting,
		Interval: o.interval, Pace: o.pace, Parallel: o.fleet.Parallel,
	}
	if o.fleet.AllCompanies {
		w.Companies = fleet.Clients
	}
	return w, nil
}

// heartbeat returns the heartbeat of the URL in a file.
func heartbeat(ctx context.Context, r credentials.Reader, file string) (*health.Heartbeat, error) {
	address, err := r.File(ctx, file)
	if err != nil {
		return nil, err
	}
	heartbeat, err := health.NewHeartbeat(address)
	if err != nil {
		return nil, usageFailure("%w", err)
	}
	return heartbeat, nil
}

// notifier returns the notifier that runs the program of --exec. Its state file depends on the login, the companies,
// the selection and the program.
func (o *watchOptions) notifier(app *App) (*health.Notifier, error) {
	folders, err := config.NewFolders(app.lookup)
	if err != nil {
		return nil, localFailure("save watch state", err)
	}
	parts := slices.Concat(o.selection.filter.Events, o.selection.filter.Targets, []string{fmt.Sprint(o.selection.filter.IDs)})
	if o.fleet.Many() {
		parts = append(parts, o.fleet.again())
	}
	path := filepath.Join(folders.State, "watch", app.logins().Identity(append(parts, o.command...)...)+".json")
	command := health.Command{Args: o.command, Environ: config.WithoutSecrets(app.environ), Output: &app.console}
	return health.OpenNotifier(path, command, app.warn)
}
