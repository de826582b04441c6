package cli

import (
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// The widths of help in columns.
const (
	minHelpWidth     = 60
	maxHelpWidth     = 120
	defaultHelpWidth = 80 // without a terminal
)

// setHelp sets the layout of the help of a command and of those below it, wrapped to a screen of some columns.
func setHelp(root *cobra.Command, columns int) {
	width := helpWidth(columns)
	root.SetUsageTemplate(strings.NewReplacer("WIDTH", strconv.Itoa(width), "EXIT_CODES", reflow(exitCodesLine, width)).Replace(usageTemplate))
	root.SetHelpTemplate(helpTemplate)
	show := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		cmd.Long = reflow(cmd.Long, width)
		shortenDurations(cmd)
		show(cmd, args)
	})
}

// helpWriter hides the errors of a writer from cobra, which would print them. [results] keeps them for the exit code.
type helpWriter struct{ to io.Writer }

func (w helpWriter) Write(p []byte) (int, error) {
	_, _ = w.to.Write(p)
	return len(p), nil
}

// shortenDurations removes the zero units of default durations: 36h0m0s becomes 36h.
func shortenDurations(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		if d, err := time.ParseDuration(flag.DefValue); err == nil && flag.Value.Type() == "duration" {
			flag.DefValue = wait.Text(d)
		}
	})
}

func helpWidth(columns int) int {
	if columns == 0 {
		return defaultHelpWidth
	}
	return min(max(columns, minHelpWidth), maxHelpWidth)
}

// helpTemplate shows a topic without usage, which is no command, and without a blank line at its end.
const helpTemplate = `{{with (or .Long .Short)}}{{. | trimTrailingWhitespaces}}
{{end}}{{if or .Runnable .HasSubCommands}}
{{.UsageString}}{{end}}`

// usageTemplate shows the flags of the command itself and points to the others.
const usageTemplate = `Usage:{{if and .Runnable (not .HasAvailableSubCommands)}}
  {{.UseLine}}{{end}}{{if .HasAvailableSubCommands}}
  {{.CommandPath}} [command]{{end}}{{if .Aliases}}

Aliases:
  {{.NameAndAliases}}{{end}}{{if .HasExample}}

Examples:
{{.Example}}{{end}}{{$commands := .Commands}}{{range $group := .Groups}}

{{.Title}}{{range $commands}}{{if and (eq .GroupID $group.ID) .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{if and .HasAvailableSubCommands (not .Groups)}}

Commands:{{range $commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

Flags:
{{.LocalNonPersistentFlags.FlagUsagesWrapped WIDTH | trimTrailingWhitespaces}}{{end}}{{if .HasHelpSubCommands}}

Help topics:{{range $commands}}{{if .IsAdditionalHelpTopicCommand}}
  tlxhook help {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableSubCommands}}

"{{.CommandPath}} [command] --help" describes a command.{{end}}

Global flags: tlxhook help flags
{{if .Annotations.plugin}}Exit codes: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN{{else}}EXIT_CODES{{end}}
`

const exitCodesLine = "Exit codes: 0 success, 1 negative result, 2 usage error; tlxhook help exit-codes"

// reflow wraps paragraphs and definitions to a width. Other indented lines and lists keep their line ends.
func reflow(text string, width int) string {
	var out []string
	var open block
	flush := func() {
		out = append(out, open.lines(width)...)
		open = block{}
	}
	for line := range strings.SplitSeq(text, "\n") {
		indent := len(line) - len(strings.TrimLeft(line, " "))
		column := textColumn(line)
		switch {
		case line == "", strings.HasPrefix(line, "- "), indent > 0 && column == 0 && indent != len(open.term):
			flush()
			out = append(out, line)
			continue
		case column > 0:
			flush()
			open.term = line[:column]
		case indent == 0 && open.term != "":
			flush()
		}
		open.words = append(open.words, strings.Fields(line[column:])...)
	}
	flush()
	return strings.Join(out, "\n")
}

// block is a paragraph, or a term with its definition.
type block struct {
	term  string // with the indentation and the blanks up to the definition
	words []string
}

func (b block) lines(width int) []string {
	lines := terminal.Wrap(b.words, width-len(b.term))
	for i := range lines {
		if i == 0 {
			lines[i] = b.term + lines[i]
		} else {
			lines[i] = strings.Repeat(" ", len(b.term)) + lines[i]
		}
	}
	return lines
}

// textColumn returns the column of a definition, which follows an indented term and two blanks; 0 for another line.
func textColumn(line string) int {
	term := strings.TrimLeft(line, " ")
	name, text, found := strings.Cut(term, "  ")
	if len(term) == len(line) || !found || name == "" {
		return 0
	}
	return len(line) - len(strings.TrimLeft(text, " "))
}

// newHelpTopics returns help pages that are not commands.
func newHelpTopics(columns int) []*cobra.Command {
	return []*cobra.Command{
		{Use: "exit-codes", Short: "Exit codes", Long: exitCodesHelp},
		{Use: "environment", Short: "Environment variables", Long: environmentHelp},
		{Use: "flags", Short: "Global flags", Long: flagsHelp(helpWidth(columns))},
	}
}

// flagsHelp describes the flags of all commands.
func flagsHelp(width int) string {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	globalFlags(flags)
	return "Every command accepts these flags. Each has an environment variable, such as\n" +
		"TLXHOOK_OUTPUT, and most have a key in config.yaml.\n\n" + flags.FlagUsagesWrapped(width)
}

const exitCodesHelp = `Exit codes:

    0  success; also "no differences" and an empty list
    1  negative result: differences, an invalid signature, a condition that was
       not met; also a prompt that was declined
    2  usage error: a flag, an argument, a setting, a manifest; content refused
       by Tripletex; a prompt was needed without a terminal
    3  unavailable: network, TLS, proxy, timeout, 429 or 5xx after retries, an
       invalid response; a target that does not answer a probe
    4  not logged in, or refused (401 after one renewal, 403)
    5  not found, or no match where one is required
    6  conflict: the version changed, a lock is held, duplicates were created
    7  partial failure: each failed item is listed
    8  local I/O: a file, the keyring, or standard output
   70  bug in tlxhook
  129  terminal closed (SIGHUP)
  130  interrupted (SIGINT)
  143  terminated (SIGTERM)

Commands that run until they are stopped exit with 0 on the first SIGINT,
SIGTERM or SIGHUP. Treat unknown codes as failures.

The command check uses the codes of monitoring plugins instead: 0 OK,
1 WARNING, 2 CRITICAL, 3 UNKNOWN.

With -o json the last line on standard error is the error as JSON:

  {"error":{"code":"rate_limited","message":"...","exitCode":3,"httpStatus":429}}`

const environmentHelp = `Every global flag has a variable: TLXHOOK_PROFILE, TLXHOOK_COMPANY,
TLXHOOK_OUTPUT, TLXHOOK_JQ, TLXHOOK_TEMPLATE, TLXHOOK_COLOR, TLXHOOK_TIMEOUT,
TLXHOOK_NO_INPUT, TLXHOOK_QUIET, TLXHOOK_VERBOSE, TLXHOOK_DEBUG,
TLXHOOK_SHOW_SECRETS and TLXHOOK_CONFIG. Order of precedence: flag, variable,
config.yaml in tlxhook/ of the configuration folder (XDG_CONFIG_HOME), default.
Empty variables are ignored.

Tokens, for CI and other places without a keyring:

  TLXHOOK_CONSUMER_TOKEN and TLXHOOK_EMPLOYEE_TOKEN, or
  TLXHOOK_REFRESH_TOKEN, or
  TLXHOOK_SESSION_TOKEN

  TLXHOOK_BASE_URL  base URL of the API (default https://tripletex.no/v2)

Other secrets:

  TLXHOOK_AUTH_HEADER_VALUE  value of the header that deliveries carry
  TLXHOOK_HMAC_SECRET        secret that signs deliveries
  TLXHOOK_NATS_PASSWORD      password of --nats-user

The flags of sandbox serve have variables too, such as TLXHOOK_SANDBOX_ADDR.

Append _FILE to the name of a secret's variable to read it from a file, or
_COMMAND to read it from the output of a command:

  TLXHOOK_EMPLOYEE_TOKEN_COMMAND='pass show tripletex/employee'

Tokens from the environment are used unless -p selects a profile.

Standard variables: HOME, XDG_CONFIG_HOME, XDG_STATE_HOME, XDG_CACHE_HOME,
HTTPS_PROXY, NO_PROXY, NO_COLOR, CLICOLOR_FORCE, TERM, CI.`
