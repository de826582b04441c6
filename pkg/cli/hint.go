package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// hint is one imperative sentence. The commands in it are values, because their flags depend on the run.
type hint struct {
	format string
	args   []any
}

// advice returns a hint in the format of package fmt. A command is an argument of %s.
func advice(format string, args ...any) hint { return hint{format, args} }

// text returns the hint with the flags of a run in its commands.
func (h hint) text(run runFlags) string {
	if len(h.args) == 0 {
		return h.format
	}
	args := slices.Clone(h.args)
	for i, arg := range args {
		if words, ok := arg.(command); ok {
			args[i] = run.line(words...)
		}
	}
	return fmt.Sprintf(h.format, args...)
}

// command is a command line after the name of the program, word by word.
type command []string

// runFlags are the flags of a run that printed commands repeat, so that they work as printed. Each is empty or begins with
// a space.
type runFlags struct{ config, profile, company, journal string }

// flagsOfRun returns the flags that were given to a command.
func flagsOfRun(flags *pflag.FlagSet) runFlags {
	given := func(name, prefix string) string {
		if flag := flags.Lookup(name); flag != nil && flag.Changed {
			return prefix + shellWord(flag.Value.String())
		}
		return ""
	}
	return runFlags{
		given("config", " --config "), given("profile", " -p "), given("company", " --company "), given("journal", " --journal "),
	}
}

// login returns the flags that select the login.
func (r runFlags) login() string { return r.config + r.profile + r.company }

// loginOf returns the flags that select the login of a company, in a run over one or many.
func (r runFlags) loginOf(many bool, company int64) string {
	if !many {
		return r.login()
	}
	return r.config + r.profile + " --company " + strconv.FormatInt(company, 10)
}

// line returns a command line for a shell, with the flags of the run that the command uses. A command with -p keeps its own, and
// auth list needs none.
func (r runFlags) line(words ...string) string {
	before, after := r.config, ""
	switch words[0] {
	case "check", "diff", "event", "export", "subscription":
		before = r.login()
	case "auth", "company":
		if !slices.Contains(words, "-p") && !slices.Equal(words, []string{"auth", "list"}) {
			before += r.profile
		}
	case "delivery", "listen":
		after = r.journal
	}
	var quoted []string
	for _, word := range words {
		quoted = append(quoted, shellWord(word))
	}
	return "tlxhook" + before + " " + strings.Join(quoted, " ") + after
}

// shellWord quotes a text that a shell would change or split.
func shellWord(text string) string {
	plain := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-_./:=@%+,", r)
	}
	if text != "" && !strings.ContainsFunc(text, func(r rune) bool { return !plain(r) }) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
