package cli

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/match"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

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
func (s *selection) bind(app *App, cmd *cobra.Command, writes bool) {
	s.bindNames(app, cmd)
	cmd.Flags().Var((*patterns)(&s.filter.Statuses), "status", "choose by status, such as 'DISABLED*'")
	complete(cmd, "status", app.completeStatuses)
	if writes {
		cmd.Flags().BoolVar(&s.all, "all", false, "choose every subscription")
	}
}

// bindNames adds what chooses by something that stays.
func (s *selection) bindNames(app *App, cmd *cobra.Command) {
	cmd.Flags().Var((*patterns)(&s.filter.Events), "event", "choose by event, such as 'order.*'")
	cmd.Flags().Var((*patterns)(&s.filter.Targets), "target", "choose by target, such as '*.example.no'")
	cmd.ValidArgsFunction = app.completeSubscriptions
	complete(cmd, "event", app.completeEvents)
	complete(cmd, "target", app.completeTargets)
}

// read takes the ids from the arguments.
func (s *selection) read(args []string, writes, many bool) error {
	for _, arg := range args {
		id, err := strconv.ParseInt(arg, 10, 64)
		if err != nil || id <= 0 {
			return usageFailure("%q is no id of a subscription", arg).withHint("tlxhook subscription list shows the ids; events are chosen with --event")
		}
		s.filter.IDs = append(s.filter.IDs, id)
	}
	switch {
	case many && len(s.filter.IDs) > 0:
		return usageFailure("an id is of one company").withHint("choose with --event, --target or --status, or name the company with --company")
	case s.all && !s.filter.Empty():
		return usageFailure("--all and a narrower choice exclude each other")
	case writes && !s.all && s.filter.Empty():
		return usageFailure("no subscriptions are chosen").withHint("name ids, choose with --event, --target or --status, or say --all")
	}
	return nil
}

// find returns the chosen subscriptions, in the order of the service. Ids that are not there are an error.
func (s *selection) find(ctx context.Context, client *tripletex.Client) ([]tripletex.Subscription, error) {
	found, err := s.findFields(ctx, client, "")
	for i := range found {
		found[i].Changes = nil // as a list has them
	}
	return found, err
}

// findWithChanges is find with what was changed in each, and when.
func (s *selection) findWithChanges(ctx context.Context, client *tripletex.Client) ([]tripletex.Subscription, error) {
	return s.findFields(ctx, client, tripletex.WithChanges)
}

func (s *selection) findFields(ctx context.Context, client *tripletex.Client, fields string) ([]tripletex.Subscription, error) {
	found, absent, err := s.look(ctx, client, fields)
	if err == nil && len(absent) > 0 {
		err = missing(absent)
	}
	if err != nil {
		return nil, err
	}
	return found, nil
}

// look returns the chosen subscriptions, in the order of the service, and the ids that are not there. Fields is
// what comes of each in a list; one that is chosen by its id alone comes with its changes.
func (s *selection) look(ctx context.Context, client *tripletex.Client, fields string) (found []tripletex.Subscription, absent []int64, err error) {
	if ids := s.filter.IDs; len(ids) == 1 && s.onlyIDs() {
		one, err := client.Subscription(ctx, ids[0])
		if tripletex.KindOf(err) == tripletex.NotFound {
			return nil, ids, nil
		}
		return []tripletex.Subscription{one}, nil, err
	}
	absent = slices.Clone(s.filter.IDs)
	for one, err := range client.Subscriptions(ctx, fields) {
		if err != nil {
			return nil, nil, err
		}
		absent = slices.DeleteFunc(absent, func(id int64) bool { return id == one.ID })
		if s.filter.Match(one) {
			found = append(found, one)
		}
	}
	return found, absent, nil
}

func (s *selection) onlyIDs() bool {
	return len(s.filter.Events)+len(s.filter.Targets)+len(s.filter.Statuses) == 0
}

func missing(ids []int64) error {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.FormatInt(id, 10)
	}
	f := notFoundFailure("there is no subscription %s", strings.Join(texts, ", "))
	return f.withHint("tlxhook subscription list shows what there is; those of another company need --company")
}

// findIn is find in one company.
func (s *selection) findIn(ctx context.Context, m fleet.Member) ([]tripletex.Subscription, error) {
	return s.find(ctx, m.Client)
}
