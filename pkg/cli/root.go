package cli

import (
	"cmp"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

const rootLong = `Manage Tripletex webhook subscriptions.

Tripletex notifies integrations of changes through webhooks. Subscriptions can
be managed through the API only. Tripletex disables them after about a week of
failed deliveries and sends no notification. tlxhook creates, monitors and
repairs subscriptions, and receives deliveries.

Try it without an account: tlxhook demo`

// Groups of commands in the help.
const (
	groupMain  = "main"
	groupSetup = "setup"
	groupLearn = "learn"
)

// entry describes a top-level command.
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

// newRoot returns the root command with all commands.
func newRoot(app *App) *cobra.Command {
	root := newBareRoot(app)
	addEntries(root, app, entries())
	root.AddCommand(newHelpTopics(app.terminal.Width)...)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Args = topicArgs
		case "completion":
			c.Short, c.Long = "Generate a shell completion script", completionLong
			c.Args, c.RunE = cobra.ArbitraryArgs, runGroup
		}
	}
	completeFlags(root, app.complete.flags())
	return root
}

// newRootFor returns the root command with the command that args begin with, or with all commands if they begin with
// none. Building all of them took 10% of the CPU time of tlxhook version.
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
		decimalFlags(c)
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
		RunE:          runGroup,
		Version:       app.build.String(),
	}
	root.SetVersionTemplate("tlxhook {{.Version}}\n")
	root.SetIn(app.terminal.In)
	root.SetOut(helpWriter{app.terminal.Out})
	root.SetErr(app.terminal.Err)
	setHelp(root, app.terminal.Width)
	root.AddGroup(
		&cobra.Group{ID: groupMain, Title: "Webhooks:"},
		&cobra.Group{ID: groupSetup, Title: "Setup:"},
		&cobra.Group{ID: groupLearn, Title: "Learn and try:"},
	)
	globalFlags(root.PersistentFlags())
	decimalFlags(root)
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

const completionLong = `Generate a script that completes commands, flags and values in a shell. The help
of each shell shows how to load the script.`

// topicArgs refuses words that are neither a command nor a help topic.
func topicArgs(cmd *cobra.Command, args []string) error {
	found, rest, err := cmd.Root().Find(args)
	if err == nil && len(rest) > 0 {
		return unknownCommand(found, rest[0])
	}
	return err
}

// group returns a command that only has subcommands.
func group(use, short string, aliases []string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Aliases: aliases, Args: cobra.ArbitraryArgs, RunE: runGroup}
	c.AddCommand(commands...)
	return c
}

// noArgs refuses arguments. The hint depends on the first one.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		f := usageFailure("%s takes no arguments", operation(cmd))
		return f.withHint("%s", cmp.Or(optionalValueHint(cmd, args[0]), appHint(cmd), flagsHint(cmd)))
	}
	return nil
}

// optionalValueHint returns the hint for an argument that is the value of a flag with an optional value; empty without one.
func optionalValueHint(cmd *cobra.Command, arg string) (hint string) {
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		optional := flag.NoOptDefVal != "" && !slices.Contains([]string{"bool", "count"}, flag.Value.Type())
		if optional && flag.Value.String() == flag.NoOptDefVal {
			hint = "write --" + flag.Name + "=" + terminal.Safe(arg) + ", with an equals sign"
		}
	})
	return hint
}

// appHint returns the hint for an argument of a command that forwards to an app; empty for another command.
func appHint(cmd *cobra.Command) string {
	if cmd.Flags().Lookup("forward-to") == nil {
		return ""
	}
	return "pass the URL of the app with --forward-to, such as --forward-to http://localhost:3000/hook"
}

func oneArg(what string) cobra.PositionalArgs { return argCount(1, 1, "requires exactly one "+what) }

// argCount refuses fewer than least and more than most arguments. Rule says the same in words.
func argCount(least, most int, rule string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return usageFailure("%s %s", operation(cmd), rule).withHint("see the examples in %s --help", cmd.CommandPath())
		}
		return nil
	}
}

// operation returns the path of a command without the name of the program, which begins each error.
func operation(cmd *cobra.Command) string { return strings.TrimPrefix(cmd.CommandPath(), "tlxhook ") }

// eventHint returns the hint for an unknown event name, with the nearest known names.
func eventHint(name string, known []tripletex.Event) hint {
	if near := match.NearestEvents(name, known); len(near) > 0 {
		return advice("did you mean %s? List all events with %s", strings.Join(near, ", "), command{"event", "list"})
	}
	return advice("list all events with %s", command{"event", "list"})
}

// Tree returns the command tree for documentation and tests. Its commands cannot be run.
func Tree() *cobra.Command {
	app := newApp(Streams{strings.NewReader(""), io.Discard, io.Discard}, nil, Build{Version: "dev"})
	root := newRoot(app)
	walkTree(root, shortenDurations)
	return root
}
