package cli

import (
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/manifest"
	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// moment is the value of a flag with a time or an age.
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

// selection says which subscriptions a command works on.
type selection struct {
	filter match.Filter
	all    bool
}

const selectionHelp = `
Name subscriptions by id, or choose them by --event, --target and --status.
Each may be given more than once and may hold "*" and "?"; all must agree.
A --target pattern without "://" is held against the host alone.`

// patterns is the value of a flag that may be given more than once and may hold several with commas between.
type patterns []string

func (p *patterns) String() string { return strings.Join(*p, ",") }
func (p *patterns) Type() string   { return "PATTERN" }
func (p *patterns) Set(text string) error {
	*p = append(*p, strings.Split(text, ",")...)
	return nil
}

// bind adds the flags of a selection. Writing commands have --all too, which says on purpose what an empty
// selection would say by accident.
func (s *selection) bind(cmd *cobra.Command, writes bool) {
	s.bindNames(cmd)
	cmd.Flags().Var((*patterns)(&s.filter.Statuses), "status", "choose by status, such as 'DISABLED*'")
	if writes {
		cmd.Flags().BoolVar(&s.all, "all", false, "choose every subscription")
	}
}

// bindNames adds what chooses by something that stays.
func (s *selection) bindNames(cmd *cobra.Command) {
	cmd.Flags().Var((*patterns)(&s.filter.Events), "event", "choose by event, such as 'order.*'")
	cmd.Flags().Var((*patterns)(&s.filter.Targets), "target", "choose by target, such as '*.example.no'")
}

// read takes the ids from the arguments.
func (s *selection) read(args []string, writes, many bool) error {
	for _, arg := range args {
		id, err := strconv.ParseInt(arg, 10, 64)
		if err != nil || id <= 0 {
			return usageFailure("%q is no id of a subscription", arg).
				withHint("tlxhook subscription list shows the ids; events are chosen with --event")
		}
		s.filter.IDs = append(s.filter.IDs, id)
	}
	switch {
	case many && len(s.filter.IDs) > 0:
		return usageFailure("an id is of one company").
			withHint("choose with --event, --target or --status, or name the company with --company")
	case s.all && !s.filter.Empty():
		return usageFailure("--all and a narrower choice exclude each other")
	case writes && !s.all && s.filter.Empty():
		return usageFailure("no subscriptions are chosen").withHint("name ids, choose with --event, --target or --status, or say --all")
	}
	return nil
}

// find returns the selected subscriptions, in the order of the service. Ids that do not exist are an error.
func (s *selection) find(ctx context.Context, client *tripletex.Client) ([]tripletex.Subscription, error) {
	found, err := s.findFields(ctx, client, "")
	for i := range found {
		found[i].Changes = nil // a list has none either
	}
	return found, err
}

// findWithChanges is find with the changes of each subscription.
func (s *selection) findWithChanges(ctx context.Context, m fleet.Account) ([]tripletex.Subscription, error) {
	return s.findFields(ctx, m.Client, tripletex.WithChanges)
}

func (s *selection) findFields(ctx context.Context, client *tripletex.Client, fields string) ([]tripletex.Subscription, error) {
	found, absent, err := match.Select(ctx, client, s.filter, fields)
	if err == nil && len(absent) > 0 {
		err = &match.MissingError{IDs: absent}
	}
	if err != nil {
		return nil, err
	}
	return found, nil
}

// findIn is find in one company.
func (s *selection) findIn(ctx context.Context, m fleet.Account) ([]tripletex.Subscription, error) {
	return s.find(ctx, m.Client)
}

// bindJournal adds the flag that says where the journal is.
func bindJournal(cmd *cobra.Command, folder *string) {
	cmd.Flags().StringVar(folder, "journal", "", "the folder `DIR` of the journal (default below the state folder)")
}

// journalFolder returns the folder that was named, or else the usual one.
func journalFolder(lookup config.Lookup, named string) (string, error) {
	folders, err := config.NewFolders(lookup)
	if err != nil && named == "" {
		return "", err
	}
	return folders.Journal(named), nil
}

// attach opens the journal beside a listen that may be using it.
func attach(lookup config.Lookup, folder string) (*journal.Journal, error) {
	folder, err := journalFolder(lookup, folder)
	if err != nil {
		return nil, err
	}
	return journal.Attach(folder)
}

// manifestFlags name the files of a manifest.
type manifestFlags struct{ files []string }

func (f *manifestFlags) bind(cmd *cobra.Command) {
	f.bindAs(cmd, "file", "f", "read the manifest from a `FILE` or folder; - is stdin")
}

func (f *manifestFlags) bindAs(cmd *cobra.Command, name, short, usage string) {
	cmd.Flags().StringArrayVarP(&f.files, name, short, nil, usage)
	if err := cmd.MarkFlagFilename(name, "yaml", "yml", "json"); err != nil {
		panic(err) // impossible, as the flag was just defined
	}
}

// manifestFiles completes the names of manifests.
func manifestFiles() cobra.CompletionFunc {
	return cobra.FixedCompletions([]cobra.Completion{"yaml", "yml", "json"}, cobra.ShellCompDirectiveFilterFileExt)
}

// repeated returns the flags of diff and apply for the same files; empty if stdin is one of them, as it cannot be
// read again.
func (f *manifestFlags) repeated() string {
	if slices.Contains(f.files, "-") {
		return ""
	}
	var text strings.Builder
	for _, name := range f.files {
		text.WriteString(" -f " + quoted(name))
	}
	return text.String()
}

// quoted returns text as one word of a shell command.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// read reads the files as one manifest.
func (f *manifestFlags) read(ctx context.Context, stdin io.Reader) (*manifest.Manifest, error) {
	if len(f.files) == 0 {
		return nil, noManifest()
	}
	return manifest.ReadFiles(ctx, f.files, stdin)
}

func noManifest() error {
	return usageFailure("a manifest is missing").withHint("name a file, a folder of them, or - for standard input")
}
