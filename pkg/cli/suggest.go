package cli

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tlxhook/tlxhook/pkg/match"
)

// synonyms maps words of other tools to the commands that do the same.
func synonyms() map[string][]string {
	return map[string][]string{
		"activate": {"enable"}, "resume": {"enable"}, "start": {"enable", "listen"}, "unpause": {"enable"},
		"pause": {"disable"}, "stop": {"disable"}, "suspend": {"disable"},
		"add": {"create"}, "new": {"create"}, "register": {"create"},
		"del": {"delete"}, "destroy": {"delete"}, "remove": {"delete"}, "unsubscribe": {"delete"},
		"describe": {"show"}, "get": {"show", "list"}, "info": {"show", "version"}, "view": {"show"},
		"edit": {"update"}, "patch": {"update"}, "set": {"update"},
		"rotate": {"rotate-secret"}, "roll-secret": {"rotate-secret"},
		"deploy": {"apply"}, "sync": {"apply"}, "up": {"apply"}, "preview": {"diff"}, "import": {"export"},
		"fmt": {"validate"}, "lint": {"validate"}, "refresh": {"diff"},
		"health": {"check"}, "monitor": {"check", "watch"}, "status": {"check"}, "metrics": {"exporter"}, "top": {"watch"}, "ping": {"doctor"},
		"dashboard": {"browse"}, "open": {"browse"}, "ui": {"browse"},
		"fire": {"trigger"}, "fixtures": {"trigger"}, "send": {"trigger"}, "test": {"trigger"},
		"proxy": {"listen"}, "serve": {"listen"}, "tail": {"listen"}, "tunnel": {"listen"},
		"resend": {"replay"}, "retry": {"replay"},
		"init": {"login"}, "signin": {"login"}, "signout": {"logout"}, "use": {"switch"}, "whoami": {"status"},
		"token": {"status"}, "tokens": {"status"}, "account": {"auth"},
		"config": {"auth"}, "profile": {"auth"}, "profiles": {"auth"}, "client": {"company"}, "clients": {"company"}, "tenant": {"company"},
		"org": {"company"}, "orgs": {"company"},
		"hook": {"subscription"}, "hooks": {"subscription"}, "webhook": {"subscription"}, "webhooks": {"subscription"},
		"mock": {"sandbox"}, "server": {"sandbox"},
	}
}

// flagSynonyms maps flags of other tools to flags that do the same, with a value where it is known.
func flagSynonyms() map[string][]string {
	return map[string][]string{
		"auto-approve": {"yes"}, "force": {"yes"}, "report": {"dry-run"}, "plan": {"dry-run"}, "context": {"profile"}, "env": {"environment"},
		"format": {"output"}, "json": {"output json"}, "filename": {"file"}, "manifest": {"file"}, "query": {"jq"},
		"url": {"target", "to"}, "forward-to": {"target", "to"},
		"namespace": {"company"}, "port": {"addr"}, "no-color": {"color never"}, "latency": {"delay"},
		"with-token": {"consumer-token-file", "employee-token-file", "refresh-token-file"},
		"filter":     {"event", "status", "target"}, "include": {"event"},
		"events": {"event", "subscribe"}, "secret": {"hmac-secret-file"}, "trace": {"debug"},
	}
}

// runGroup shows the help of a command with subcommands, or reports an unknown one with suggestions.
func runGroup(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	return unknownCommand(cmd, args[0])
}

func unknownCommand(cmd *cobra.Command, name string) error {
	f := usageFailure("unknown command %q for %s", name, cmd.CommandPath())
	found := suggestCommands(cmd, name)
	if len(found) == 0 && cmd.HasParent() {
		found = suggestCommands(Tree(), name)
	}
	if len(found) > 0 {
		return f.withHint("did you mean %s?", strings.Join(found, " or "))
	}
	return f.withHint("list the commands with %s --help", cmd.CommandPath())
}

// suggestCommands returns the paths of subcommands that a name may mean: by name or synonym, else by spelling.
func suggestCommands(cmd *cobra.Command, name string) []string {
	names := append([]string{name}, synonyms()[name]...)
	paths := append(pathsOf(cmd.Commands(), names), nestedPaths(cmd, names)...)
	if len(paths) > 0 || cmd.HasParent() && len(synonyms()[name]) > 0 {
		return paths
	}
	cmd.SuggestionsMinimumDistance = 2
	for _, near := range cmd.SuggestionsFor(name) {
		paths = append(paths, cmd.CommandPath()+" "+near)
	}
	return paths
}

// nestedPaths returns the paths of commands of the groups in cmd that have one of the names; only that of subscription if
// it has one.
func nestedPaths(cmd *cobra.Command, names []string) []string {
	var paths []string
	for _, noun := range cmd.Commands() {
		found := pathsOf(noun.Commands(), names)
		if len(found) > 0 && noun.Name() == "subscription" {
			return found
		}
		paths = append(paths, found...)
	}
	return paths
}

// pathsOf returns the paths of the commands that have one of the names.
func pathsOf(commands []*cobra.Command, names []string) []string {
	var paths []string
	for _, c := range commands {
		if slices.ContainsFunc(names, func(name string) bool { return c.Name() == name || c.HasAlias(name) }) {
			paths = append(paths, c.CommandPath())
		}
	}
	return paths
}

// flagFailure returns the failure of a command line with an invalid flag. The hint is the correct flag, or an example. An
// unknown command before the flag is the cause.
func flagFailure(cmd *cobra.Command, line []string, err error) error {
	if args := cmd.Flags().Args(); len(args) > 0 && cmd.HasSubCommands() {
		return unknownCommand(cmd, args[0])
	}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return valueFailure(cmd, invalid)
	}
	f := usageFailure("%w", err)
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		name := unknown.GetSpecifiedName()
		if word := singleDash(line, unknown.GetSpecifiedShortnames()); word != "" {
			name, f = word, usageFailure("unknown flag: -%s", word)
		}
		if example := redirectExample(cmd); example != "" && slices.Contains([]string{"f", "file", "out", "output-file"}, name) {
			return f.withHint("redirect standard output, such as %s", example)
		}
		if found := suggestFlags(cmd, name); len(found) > 0 {
			return f.withHint("did you mean %s? %s", strings.Join(found, " or "), flagsHint(cmd))
		}
	}
	return f.withHint("%s", flagsHint(cmd))
}

// redirectExample returns the first example of a command that writes to a file; empty without one.
func redirectExample(cmd *cobra.Command) string {
	for line := range strings.Lines(cmd.Example) {
		if strings.Contains(line, " > ") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

// singleDash returns the name of a long flag that was written with one dash, such as "help" for -help. The parser reads it
// as a group of letters and reports those from the first unknown one on. It is empty for one letter.
func singleDash(line []string, letters string) string {
	for _, arg := range line {
		word, single := strings.CutPrefix(arg, "-")
		if single && letters != "" && len(word) > 1 && word[0] != '-' && strings.HasSuffix(word, letters) {
			name, _, _ := strings.Cut(word, "=")
			return name
		}
	}
	return ""
}

// longFlag returns an error for a long flag with one dash whose first letter is a flag with a value: the parser reads -out as
// -o ut.
func longFlag(root *cobra.Command, args []string) error {
	if len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		return nil
	}
	cmd, rest, err := root.Find(args)
	if err != nil {
		rest = nil // an unknown command is reported later
	}
	for _, arg := range rest {
		word, single := strings.CutPrefix(arg, "-")
		name, _, _ := strings.Cut(word, "=")
		switch {
		case arg == "--":
			return nil
		case !single || len(name) < 2 || cmd.Flag(name) == nil:
		case shorthand(cmd, name[:1]) != nil:
			return usageFailure("unknown flag: -%s", name).withHint("did you mean --%s? %s", name, flagsHint(cmd))
		}
	}
	return nil
}

// shorthand returns the flag of a letter; nil for none.
func shorthand(cmd *cobra.Command, letter string) *pflag.Flag {
	if flag := cmd.Flags().ShorthandLookup(letter); flag != nil {
		return flag
	}
	return cmd.InheritedFlags().ShorthandLookup(letter)
}

func flagsHint(cmd *cobra.Command) string {
	return "list the flags with " + cmd.CommandPath() + " --help"
}

// suggestFlags returns replacements for an unknown flag: a long flag written with one dash, a subcommand of that name, a
// synonym, or a similar flag.
func suggestFlags(cmd *cobra.Command, name string) []string {
	var known, found []string
	cmd.Flags().VisitAll(func(flag *pflag.Flag) { known = append(known, flag.Name) })
	if slices.Contains(known, name) {
		return []string{"--" + name}
	}
	if paths := pathsOf(cmd.Commands(), []string{name}); len(paths) > 0 {
		return paths
	}
	for _, synonym := range flagSynonyms()[name] {
		if flag, _, _ := strings.Cut(synonym, " "); slices.Contains(known, flag) {
			found = append(found, "--"+synonym)
		}
	}
	if len(found) > 0 || len(name) == 1 {
		return found // every flag is near to one letter
	}
	for _, near := range match.Nearest(name, known) {
		found = append(found, "--"+near)
	}
	return found
}

// valueFailure returns the failure of a flag value that is not of the type of the flag, with the first 100 characters of it.
func valueFailure(cmd *cobra.Command, invalid *pflag.InvalidValueError) error {
	flag, value := invalid.GetFlag(), invalid.GetValue()
	cause, hint := invalid.Unwrap(), flagsHint(cmd)
	switch flag.Value.Type() {
	case "int", "int64", "count":
		cause = errors.New("must be a whole number")
	case "float64":
		cause = errors.New("must be a number")
	case "bool":
		cause = errors.New("must be true or false")
	case "duration":
		cause, hint = errors.New("must be a duration with a unit"), durationHint(flag.Name, value)
	}
	return usageFailure("--%s %.100q: %w", flag.Name, value, cause).withHint("%s", hint)
}

// durationHint returns an example of a duration, with the number that was given.
func durationHint(flag, value string) string {
	if _, err := strconv.ParseFloat(value, 64); err == nil && len(value) < 10 {
		return "pass --" + flag + " " + value + "s"
	}
	return "pass a duration such as --" + flag + " 30s, 2m or 1h30m"
}
