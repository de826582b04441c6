package cli

import (
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// moment is a flag value: a time or an age.
type moment time.Time

func (m *moment) Type() string { return "TIME" }

func (m *moment) String() string {
	if time.Time(*m).IsZero() {
		return ""
	}
	return time.Time(*m).Format(time.RFC3339)
}

func (m *moment) Set(text string) error {
	at, err := match.Time(text, time.Now())
	*m = moment(at)
	return err
}

// decimal is the value of a flag for a whole number. pflag also reads 010 as octal and 0x10 as hexadecimal.
type decimal struct{ pflag.Value }

func (d decimal) Set(text string) error {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return err
	}
	return d.Value.Set(strconv.FormatInt(n, 10))
}

// decimalFlags makes the whole numbers of a command and its subcommands decimal.
func decimalFlags(cmd *cobra.Command) {
	walkFlags(cmd, func(_ *cobra.Command, flag *pflag.Flag) {
		if kind := flag.Value.Type(); kind == "int" || kind == "int64" {
			flag.Value = decimal{flag.Value}
		}
	})
}

// selection is the set of subscriptions that a command works on.
type selection struct {
	filter match.Filter
	all    bool
}

const selectionHelp = `
Select subscriptions by ID, or with --event, --target and --status. These accept
"*" and "?". Values of one flag are alternatives; filters are combined with AND.
A --target pattern without "://" matches the host name only.`

// patterns is the value of a repeatable flag with comma-separated patterns.
type patterns []string

func (p *patterns) String() string { return strings.Join(*p, ",") }
func (p *patterns) Type() string   { return "PATTERN" }
func (p *patterns) Set(text string) error {
	*p = append(*p, strings.Split(text, ",")...)
	return nil
}

// bind adds the flags of a selection. Writing commands also have --all, as an empty selection may be a mistake.
func (s *selection) bind(cmd *cobra.Command, writes bool) {
	s.bindNames(cmd)
	cmd.Flags().Var((*patterns)(&s.filter.Statuses), "status", "filter by status, such as 'DISABLED*'")
	if writes {
		cmd.Flags().BoolVar(&s.all, "all", false, "select every subscription")
	}
}

// bindNames adds the filters for properties that a command does not change.
func (s *selection) bindNames(cmd *cobra.Command) {
	cmd.Flags().Var((*patterns)(&s.filter.Events), "event", "filter by event, such as 'order.*'")
	cmd.Flags().Var((*patterns)(&s.filter.Targets), "target", "filter by target, such as '*.example.no'")
}

// read parses the IDs in args and checks the selection. Writes requires one; many excludes IDs.
func (s *selection) read(args []string, writes, many bool) error {
	for _, arg := range args {
		id, err := strconv.ParseInt(arg, 10, 64)
		if err != nil || id <= 0 {
			return usageFailure("invalid subscription ID %q", arg).
				withHint("list the IDs with %s, or filter with --event", command{"subscription", "list"})
		}
		s.filter.IDs = append(s.filter.IDs, id)
	}
	switch {
	case many && len(s.filter.IDs) > 0:
		return usageFailure("subscription IDs cannot be combined with several companies").
			withHint("filter with --event, --target or --status, or select one company with --company")
	case s.all && !s.filter.Empty():
		return usageFailure("--all cannot be combined with IDs or filters")
	case writes && !s.all && s.filter.Empty():
		return usageFailure("no subscriptions selected").withHint("pass subscription IDs, a filter such as --event, or --all")
	}
	return nil
}

// find returns the selected subscriptions of a company in the order of the API. IDs that do not exist are a
// [match.MissingError].
func (s *selection) find(ctx context.Context, m fleet.Account) ([]tripletex.Subscription, error) {
	found, err := s.findFields(ctx, m, "")
	for i := range found {
		found[i].Changes = nil // as in a list
	}
	return found, err
}

// findWithChanges is find with the changes of each subscription.
func (s *selection) findWithChanges(ctx context.Context, m fleet.Account) ([]tripletex.Subscription, error) {
	return s.findFields(ctx, m, tripletex.WithChanges)
}

func (s *selection) findFields(ctx context.Context, m fleet.Account, fields string) ([]tripletex.Subscription, error) {
	found, absent, err := match.Select(ctx, m.Client, s.filter, fields)
	if len(absent) > 0 {
		return nil, &match.MissingError{IDs: absent}
	}
	return found, err
}

// bindJournal adds the flag for the journal folder.
func bindJournal(cmd *cobra.Command, folder *string) {
	cmd.Flags().StringVar(folder, "journal", "", "journal folder `DIR` (default: journal in the state folder)")
}

// journalFolder returns the named journal folder, or the default for an empty name.
func journalFolder(lookup config.Lookup, named string) (string, error) {
	folders, err := config.NewFolders(lookup)
	if err != nil && named == "" {
		return "", err
	}
	return folders.Journal(named), nil
}

// attach opens the journal, also while a listen process uses it.
func attach(lookup config.Lookup, folder string) (*journal.Journal, error) {
	folder, err := journalFolder(lookup, folder)
	if err != nil {
		return nil, err
	}
	return journal.Attach(folder)
}

// manifestFlags are the files of a manifest.
type manifestFlags struct{ files []string }

func (f *manifestFlags) bind(cmd *cobra.Command) {
	f.bindAs(cmd, "file", "f", "manifest `FILE` or folder (- for stdin)")
}

func (f *manifestFlags) bindAs(cmd *cobra.Command, name, short, usage string) {
	cmd.Flags().StringArrayVarP(&f.files, name, short, nil, usage)
	if err := cmd.MarkFlagFilename(name, "yaml", "yml", "json"); err != nil {
		panic(err) // impossible: the flag is defined above
	}
}

// manifestFiles completes names of manifest files.
func manifestFiles() cobra.CompletionFunc {
	return cobra.FixedCompletions([]cobra.Completion{"yaml", "yml", "json"}, cobra.ShellCompDirectiveFilterFileExt)
}

// repeated returns the flags for the same files on another command line. It is empty if stdin is one of them, as stdin
// cannot be read again.
func (f *manifestFlags) repeated() string {
	if slices.Contains(f.files, "-") {
		return ""
	}
	var text strings.Builder
	for _, name := range f.files {
		text.WriteString(" -f " + shellWord(name))
	}
	return text.String()
}

// read reads the files as one manifest.
func (f *manifestFlags) read(ctx context.Context, stdin io.Reader) (*manifest.Manifest, error) {
	if len(f.files) == 0 {
		return nil, noManifest()
	}
	return manifest.ReadFiles(ctx, f.files, stdin)
}

func noManifest() error {
	return usageFailure("no manifest given").withHint("pass a file, a folder, or - for standard input")
}

// emptyFlag returns the first flag of a command that is set to an empty text, such as an unset variable of a shell, which
// would switch off a check or a condition; empty for none. --fields without a text removes the fields, and verify takes
// headers as they were received.
func emptyFlag(cmd *cobra.Command) (name string) {
	meaningful := []string{"fields", "idempotency-key", "signature"}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if name == "" && f.Value.Type() == "string" && f.Value.String() == "" && !slices.Contains(meaningful, f.Name) {
			name = f.Name
		}
	})
	return name
}

// silenceFlag is the value of --max-silence, which may be repeated.
type silenceFlag []health.Silence

func (f *silenceFlag) String() string { return "" }
func (f *silenceFlag) Type() string   { return "EVENT=TIME" }
func (f *silenceFlag) Set(text string) error {
	s, err := health.ParseSilence(text)
	if err == nil {
		err = journal.Filter{Events: []string{s.Event}}.Check()
	}
	*f = append(*f, s)
	return err
}

// thresholdFlag is the value of a repeatable flag that sets thresholds.
type thresholdFlag struct {
	to    *health.Thresholds
	state health.State
}

func (f thresholdFlag) String() string        { return "" }
func (f thresholdFlag) Type() string          { return "NAME=RANGE" }
func (f thresholdFlag) Set(text string) error { return f.to.Set(f.state, text) }

// stateFlag is a flag value: a state in lower case.
type stateFlag health.State

func (f *stateFlag) String() string { return strings.ToLower(string(*f)) }
func (f *stateFlag) Type() string   { return "STATE" }
func (f *stateFlag) Set(text string) error {
	state, err := health.ParseState(text)
	*f = stateFlag(state)
	return err
}
