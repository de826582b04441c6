package cli

import (
	"context"
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

// find returns the selected subscriptions, in the order of the service. Ids that do not exist are an error.
func (s *selection) find(ctx context.Context, client *tripletex.Client) ([]tripletex.Subscription, error) {
	found, err := s.findFields(ctx, client, "")
	for i := range found {
		found[i].Changes = nil // a list has none either
	}
	return found, err
}

// findWithChanges is find with the changes of each subscription.
func (s *selection) findWithChanges(ctx context.Context, client *tripletex.Client) ([]tripletex.Subscription, error) {
	return s.findFields(ctx, client, tripletex.WithChanges)
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
