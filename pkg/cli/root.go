package cli

import (
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

const rootLong = `Manage Tripletex webhook subscriptions.

Tripletex tells an integration about changes by webhooks. Its subscriptions
have no screen, are switched off after a week of failed deliveries, and nobody
is told. tlxhook lists, makes, changes and repairs them.

Try it without an account: tlxhook demo`

// The groups of commands in the help.
const (
	groupMain  = "main"
	groupSetup = "setup"
	groupLearn = "learn"
)

// entry is a command directly below the root.
type entry struct {
	group, name string
	make        func(*App) *cobra.Command
}

func entries() []entry {
	return []entry{
		{groupMain, "event", newEvent},
		{groupMain, "subscription", newSubscription},
		{groupMain, "check", newCheck},
		{groupMain, "watch", newWatch},
		{groupMain, "exporter", newExporter},
		{groupMain, "export", newExport},
		{groupMain, "diff", newDiff},
		{groupMain, "apply", newApply},
		{groupMain, "listen", newListen},
		{groupMain, "forward", newForward},
		{groupMain, "delivery", newDelivery},
		{groupMain, "trigger", newTrigger},
		{groupMain, "verify", newVerify},
		{groupMain, "backfill", newBackfill},
		{groupSetup, "auth", newAuth},
		{groupSetup, "company", newCompany},
		{groupSetup, "doctor", newDoctor},
		{groupLearn, "demo", newDemo},
		{groupLearn, "sandbox", newSandbox},
		{groupLearn, "version", newVersion},
	}
}

// newRoot returns the root with all commands.
func newRoot(app *App) *cobra.Command {
	root := newBareRoot(app)
	addEntries(root, app, entries())
	root.AddCommand(newHelpTopics()...)
	completeFlags(root, app.complete.flags())
	return root
}

// newRootFor returns the root with the command that args begin with, or with all commands if they begin with none.
// Building all of them took a tenth of the CPU time of tlxhook version.
func newRootFor(app *App, args []string) *cobra.Command {
	i := slices.IndexFunc(entries(), func(e entry) bool { return len(args) > 0 && e.name == args[0] })
	if i < 0 {
		return newRoot(app)
	}
	root := newBareRoot(app)
	root.CompletionOptions.DisableDefaultCmd = true
	addEntries(root, app, entries()[i:i+1])
	return root
}

func addEntries(root *cobra.Command, app *App, added []entry) {
	for _, e := range added {
		c := e.make(app)
		c.GroupID = e.group
		root.AddCommand(c)
	}
}

func newBareRoot(app *App) *cobra.Command {
	root := &cobra.Command{
		Use:   "tlxhook",
		Short: "Manage Tripletex webhook subscriptions",
		Long:  rootLong,
		Example: `  tlxhook demo
  tlxhook auth login
  tlxhook subscription create 'order.*' --target https://hooks.example.no/`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE:          onlyHelp,
		Version:       app.build.String(),
	}
	root.SetVersionTemplate("tlxhook {{.Version}}\n")
	root.SetIn(app.terminal.In)
	root.SetOut(app.terminal.Out)
	root.SetErr(app.terminal.Err)
	root.SetFlagErrorFunc(unknownFlag)
	root.SetUsageTemplate(usageTemplate(root.UsageTemplate()))
	root.AddGroup(
		&cobra.Group{ID: groupMain, Title: "Webhooks:"},
		&cobra.Group{ID: groupSetup, Title: "Set-up:"},
		&cobra.Group{ID: groupLearn, Title: "Learn and try:"},
	)
	globalFlags(root.PersistentFlags())
	root.SetHelpCommandGroupID(groupLearn)
	root.SetCompletionCommandGroupID(groupSetup)
	return root
}

// usageTemplate is the one of cobra, cut to the width of a terminal, with the exit codes below.
func usageTemplate(original string) string {
	wrapped := strings.ReplaceAll(original, ".FlagUsages |", ".FlagUsagesWrapped 80 |")
	short := strings.ReplaceAll(wrapped, "for more information about a command.", "for more about one.")
	return strings.TrimSuffix(short, "\n") + exitCodesFooter
}

const exitCodesFooter = `

Exit codes: {{if .Annotations.plugin}}0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN, and no other;
see "tlxhook help exit-codes".
{{else}}0 done, 1 the answer is no, 2 used wrongly, 3 unavailable, 4 not
logged in, 5 not found, 6 conflict, 7 partly done, 8 local file or keyring;
see "tlxhook help exit-codes".
{{end}}`

func globalFlags(flags *pflag.FlagSet) {
	flags.StringP("profile", "p", "", "the login to use: `NAME`; sandbox needs none")
	flags.Int64("company", 0, "the client company to act for: `ID`, for accountants")
	flags.StringP("output", "o", "", "`FORMAT`: "+output.FormatNames()+" (default table on a screen, tsv elsewhere)")
	flags.String("jq", "", "print what a jq `EXPR` makes of the JSON")
	flags.String("template", "", "print each item through a Go template `TEXT`, such as '{{.id}}'")
	flags.String("color", "auto", "when to colour: `MODE` is auto, always or never")
	flags.Duration("timeout", 0, "how long the whole run may take: `TIME` (default 30s)")
	flags.Bool("no-input", false, "never ask; fail where a question would be needed")
	flags.BoolP("quiet", "q", false, "print no notes, only results and errors")
	flags.CountP("verbose", "v", "``say which login is used, and where from")
	flags.Bool("debug", false, "print every request and answer, without secrets")
	flags.Bool("show-secrets", false, "print credentials in target URLs")
	flags.String("config", "", "read settings from `FILE`")
}

// onlyHelp runs a command that only holds others: it shows its help, or says which command was meant.
func onlyHelp(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	f := usageFailure("unknown command %q for %s", args[0], cmd.CommandPath())
	if below := commandsBelow(cmd, args[0]); len(below) > 0 {
		return f.withHint("did you mean %s?", strings.Join(below, " or "))
	}
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return f.withHint("did you mean %s %s?", cmd.CommandPath(), strings.Join(near, " or "))
	}
	return f.withHint("%s --help shows the commands", cmd.CommandPath())
}

// commandsBelow returns what a command is called that somebody has named without its noun, such as "list". There may be
// several; subscriptions come first.
func commandsBelow(cmd *cobra.Command, name string) []string {
	var paths []string
	for _, noun := range cmd.Commands() {
		for _, verb := range noun.Commands() {
			if verb.Name() != name && !verb.HasAlias(name) {
				continue
			}
			if noun.Name() == "subscription" {
				return []string{verb.CommandPath()}
			}
			paths = append(paths, verb.CommandPath())
		}
	}
	return paths
}

// unknownFlag names the flag that was meant, where one is near.
func unknownFlag(cmd *cobra.Command, err error) error {
	f := usageFailure("%w", err)
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		var known []string
		cmd.Flags().VisitAll(func(flag *pflag.Flag) { known = append(known, flag.Name) })
		if near := match.Nearest(unknown.GetSpecifiedName(), known); len(near) > 0 {
			return f.withHint("did you mean --%s? %s --help shows the flags", strings.Join(near, " or --"), cmd.CommandPath())
		}
	}
	return f.withHint("%s --help shows the flags", cmd.CommandPath())
}

// group returns a command that only holds others.
func group(use, short string, aliases []string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Aliases: aliases, Args: cobra.ArbitraryArgs, RunE: onlyHelp}
	c.AddCommand(commands...)
	return c
}

// noArgs, someArgs, oneArg and noneOrOne say how many arguments a command takes, and what they are.

func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageFailure("%s takes no arguments", cmd.CommandPath()).withHint("%s --help shows its flags", cmd.CommandPath())
	}
	return nil
}

func someArgs(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usageFailure("%s needs at least one %s", cmd.CommandPath(), what).withHint("%s --help has examples", cmd.CommandPath())
		}
		return nil
	}
}

func oneArg(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usageFailure("%s needs exactly one %s", cmd.CommandPath(), what).withHint("%s --help has examples", cmd.CommandPath())
		}
		return nil
	}
}

func noneOrOne(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 1 {
			return usageFailure("%s takes one %s at the most", cmd.CommandPath(), what).
				withHint("%s --help has examples", cmd.CommandPath())
		}
		return nil
	}
}

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// eventHint names what may have been meant by an unknown event.
func eventHint(f *failure, name string, known []tripletex.Event) *failure {
	if near := match.NearestEvents(name, known); len(near) > 0 {
		return f.withHint("did you mean %s? tlxhook event list shows all", strings.Join(near, ", "))
	}
	return f.withHint("tlxhook event list shows what there is")
}

// Tree returns the tree of commands, for documentation and tests. Its commands cannot be run.
func Tree() *cobra.Command {
	app := newApp(Streams{strings.NewReader(""), io.Discard, io.Discard}, nil, Build{Version: "dev"})
	root := newRoot(app)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	return root
}

// newHelpTopics returns pages of help that are no commands.
func newHelpTopics() []*cobra.Command {
	return []*cobra.Command{
		{Use: "exit-codes", Short: "What the exit codes mean", Long: exitCodesHelp},
		{Use: "environment", Short: "Which environment variables are read", Long: environmentHelp},
	}
}

const exitCodesHelp = `The exit code says what happened, for scripts:

    0  done; also "no differences" and an empty list
    1  it worked, and the answer is no; also a question that was answered with no
    2  used wrongly: a flag, an argument, a setting; content that Tripletex
       refuses; a question was needed and there is no terminal
    3  unavailable: network, TLS, time-out, 429 or 5xx after all tries, or an
       answer that is not Tripletex's; a target that does not answer a probe
    4  not logged in, or refused (401 after one renewal, 403)
    5  not found, or nothing matches what must match
    6  conflict: somebody else changed it meanwhile, or holds a lock
    7  partly done: what is listed was done, the rest was not
    8  a local file, the keyring, or standard output
   70  a bug in tlxhook
  130  interrupted (SIGINT) before it was done
  143  terminated (SIGTERM) before it was done

Commands that run until they are stopped end with 0 on the first SIGINT or
SIGTERM. Codes may be added: take an unknown one for a failure.

The command check alone has codes of its own, those of monitoring plugins:
0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN, and no other.

With -o json the last line on standard error is the error as JSON:
  {"error":{"code":"rate_limited","message":"...","exitCode":3,"httpStatus":429}}`

const environmentHelp = `Every global flag has a variable: TLXHOOK_PROFILE, TLXHOOK_COMPANY,
TLXHOOK_OUTPUT, TLXHOOK_JQ, TLXHOOK_TEMPLATE, TLXHOOK_COLOR, TLXHOOK_TIMEOUT,
TLXHOOK_NO_INPUT, TLXHOOK_QUIET, TLXHOOK_VERBOSE, TLXHOOK_DEBUG,
TLXHOOK_SHOW_SECRETS and TLXHOOK_CONFIG. A flag beats its variable, a variable
beats the file config.yaml, which lies in the folder that XDG_CONFIG_HOME or the
system names, below tlxhook/. An empty variable counts as not set.

Tokens, for CI and other places without a keyring:

  TLXHOOK_CONSUMER_TOKEN and TLXHOOK_EMPLOYEE_TOKEN, or
  TLXHOOK_REFRESH_TOKEN, or
  TLXHOOK_SESSION_TOKEN

  TLXHOOK_BASE_URL  the API they are for (default https://tripletex.no/v2)

Secrets of a subscription: TLXHOOK_AUTH_HEADER_VALUE and TLXHOOK_HMAC_SECRET.
The password of --nats-user: TLXHOOK_NATS_PASSWORD.

Each of these secrets can also be given with _FILE behind its name, which names
a file that holds it, or with _COMMAND, which names a command that prints it:

  TLXHOOK_EMPLOYEE_TOKEN_COMMAND='pass show tripletex/employee'

Tokens of the environment are used unless a profile is named with -p.

Read as usual: HOME, XDG_CONFIG_HOME, XDG_STATE_HOME, XDG_CACHE_HOME,
HTTPS_PROXY, NO_PROXY, NO_COLOR, CLICOLOR_FORCE, TERM, CI.`
