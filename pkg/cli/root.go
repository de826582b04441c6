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
		{groupMain, "validate", newValidate},
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
	root.AddCommand(newHelpTopics(app.terminal.Width)...)
	completeFlags(root, app.complete.flags())
	return root
}

// newRootFor returns the root with the command that args begin with, or with all commands if they begin with none.
// Building all of them took a tenth of the CPU time of tlxhook version.
func newRootFor(app *App, args []string) *cobra.Command {
	i := slices.IndexFunc(entries(), func(e entry) bool { return len(args) > 0 && e.name == args[0] })
	if i < 0 {
		root := newRoot(app)
		if len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
			unquoteUsages(root)
		}
		return root
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
	setHelp(root, app.terminal.Width)
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

func globalFlags(flags *pflag.FlagSet) {
	flags.StringP("profile", "p", "", "login profile `NAME`; sandbox is built in")
	flags.Int64("company", 0, "`ID` of the client company to act for (accountant logins)")
	flags.StringP("output", "o", "", "output `FORMAT`: "+output.FormatNames()+" (default: table in a terminal, tsv otherwise)")
	flags.String("jq", "", "filter JSON output with a jq `EXPRESSION`")
	flags.String("template", "", "format each item with a Go template `TEXT`, such as '{{.id}}'")
	flags.String("color", "auto", "colored output: `MODE` is auto, always or never")
	flags.Duration("timeout", 0, "maximum `DURATION` of the command, such as 30s or 2m (default 30s)")
	flags.Bool("no-input", false, "disable interactive prompts")
	flags.BoolP("quiet", "q", false, "print results and errors only")
	flags.CountP("verbose", "v", "``print details, such as the login in use")
	flags.Bool("debug", false, "print every HTTP request and response, with secrets masked")
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

// eventHint returns the hint for an unknown event, with the nearest known ones.
func eventHint(name string, known []tripletex.Event) string {
	if near := match.NearestEvents(name, known); len(near) > 0 {
		return "did you mean " + strings.Join(near, ", ") + "? tlxhook event list shows all"
	}
	return "tlxhook event list shows what there is"
}

// Tree returns the tree of commands, for documentation and tests. Its commands cannot be run.
func Tree() *cobra.Command {
	app := newApp(Streams{strings.NewReader(""), io.Discard, io.Discard}, nil, Build{Version: "dev"})
	root := newRoot(app)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	return root
}
