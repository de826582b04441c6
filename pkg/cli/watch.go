package cli

import (
	"context"
	"fmt"
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
	pace      time.Duration // if --interval is not given
}

// The range of --interval: shorter would use up the rate limit.
const (
	shortestInterval = time.Second
	longestInterval  = 24 * time.Hour
)

const watchLong = `Follow the status of subscriptions until it is stopped, or for --timeout: first
what is not well, then one line for each change. At a terminal it shows a screen
that is redrawn in place; --plain, a pipe or another --output gives lines.

Name subscriptions by id, or choose them by --event and --target; without any of
them all are watched.

--exec runs a program for each change. It reads the change as JSON on its
standard input and finds it in TLXHOOK_KIND, TLXHOOK_SUBSCRIPTION_ID,
TLXHOOK_EVENT, TLXHOOK_OLD_STATUS, TLXHOOK_NEW_STATUS, TLXHOOK_STATE,
TLXHOOK_TARGET_HOST, TLXHOOK_COMPANY and TLXHOOK_COMPANY_NAME. Arguments for it
stand behind "--". It may take 30 seconds. Where it fails it is run again, after
a restart too, until it exits with 0.

--until waits for something and exits with 0, or with 1 where --timeout is over
before. Without it the first SIGINT or SIGTERM ends the watch with 0.

--all-companies follows every client company that the login reaches, --profiles
and --all-profiles those of several logins. Each is asked once an interval, one
after the other; without --interval at most ten companies a second are asked.
What cannot be asked is said, and hides nothing of the others.`

func newWatch(app *App) *cobra.Command {
	o, program := &watchOptions{}, ""
	cmd := &cobra.Command{
		Use:   "watch [ID...] [-- ARG...]",
		Short: "Follow subscriptions, and say what changes",
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
	flags.DurationVar(&o.interval, "interval", 30*time.Second, "ask every `TIME`, a tenth more or less")
	flags.DurationVar(&o.lasting, "for", 0, "tell only what lasts for `TIME`, against flapping")
	flags.StringVar(&program, "exec", "", "run `PROGRAM` for each change")
	flags.StringVar(&o.heartbeat, "heartbeat-url-file", "", "call the URL in `FILE` after each look that all answered")
	flags.StringVar(&o.until, "until", "", "wait until all are `CONDITION`: active, or something has changed")
	flags.BoolVar(&o.plain, "plain", false, "print lines at a terminal too")
	var conditions []cobra.Completion
	for _, c := range health.Conditions() {
		conditions = append(conditions, string(c))
	}
	complete(cmd, "until", cobra.FixedCompletions(conditions, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// check validates the flags.
func (o *watchOptions) check(ids []string) error {
	switch {
	case o.interval < shortestInterval || o.interval > longestInterval:
		return usageFailure("--interval %s: must be from %s to %s", o.interval, shortestInterval, longestInterval)
	case o.lasting < 0 || o.lasting > longestInterval:
		return usageFailure("--for %s: must be from 0s to %s", o.lasting, longestInterval)
	case o.until != "" && !slices.Contains(health.Conditions(), health.Condition(o.until)):
		return usageFailure("--until %q: must be active or changed", o.until)
	case o.command[0] == "" && len(o.command) > 1:
		return usageFailure("what stands behind \"--\" are arguments for --exec, which is not given")
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
	w.View = o.view(app, messages)
	return w.Run(ctx)
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
