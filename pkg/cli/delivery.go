package cli

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

func newDelivery(app *App) *cobra.Command {
	return group("delivery", "List, inspect and replay received deliveries", []string{"deliveries"},
		newDeliveryList(app), newDeliveryShow(app), newDeliveryReplay(app), newDeliveryPurge(app), newDeliveryBrowse(app))
}

// deliverySelection selects deliveries of a journal.
type deliverySelection struct {
	journal string
	filter  journal.Filter
	all     bool
}

const deliverySelectionHelp = `
Select deliveries by ID, or with --event, --object, --state, --since and
--before. Filters are combined with AND. --event, --object and --state are
repeatable; event patterns may contain "*" and "?". A TIME is a date, a date
with a time, or an age such as 90m, 12h or 7d.`

func (s *deliverySelection) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	bindJournal(cmd, &s.journal)
	flags.Var((*patterns)(&s.filter.Events), "event", "filter by event `PATTERN`, such as 'order.*'")
	flags.Func("object", "filter by `ID` of the object of the event", s.addObjects)
	flags.Func("state", "filter by `STATE`: pending, forwarded or dead", s.addStates)
	flags.Var((*moment)(&s.filter.Since), "since", "filter by receipt at or after `TIME`")
	flags.Var((*moment)(&s.filter.Before), "before", "filter by receipt before `TIME`")
}

// read adds the IDs in the arguments and validates the filters.
func (s *deliverySelection) read(args []string) error {
	for _, arg := range args {
		id, err := deliveryID(arg)
		if err != nil {
			return err
		}
		s.filter.IDs = append(s.filter.IDs, id)
	}
	if f := s.filter; !f.Since.IsZero() && !f.Before.IsZero() && !f.Since.Before(f.Before) {
		return usageFailure("--since %s is not before --before %s", f.Since.Format(time.RFC3339), f.Before.Format(time.RFC3339))
	}
	if err := s.filter.Check(); err != nil {
		return usageFailure("%w", err)
	}
	if s.all && !s.filter.Empty() {
		return usageFailure("--all cannot be combined with IDs or filters")
	}
	return nil
}

func deliveryID(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id <= 0 {
		return 0, usageFailure("%q is not a delivery ID", text).withHint("list the IDs with %s", command{"delivery", "list"})
	}
	return id, nil
}

// needed returns an error for an empty selection without --all.
func (s *deliverySelection) needed() error {
	if s.all || !s.filter.Empty() {
		return nil
	}
	return usageFailure("no deliveries selected").
		withHint("pass delivery IDs, a filter such as --event, or --all")
}

// find returns the selected deliveries, oldest first. Unknown IDs are an error.
func (s *deliverySelection) find(ctx context.Context, j *journal.Journal) ([]journal.Entry, error) {
	var found []journal.Entry
	for e, err := range j.List(ctx, s.filter) {
		if err != nil {
			return nil, err
		}
		found = append(found, e)
	}
	return found, j.CheckIDs(ctx, s.filter.IDs)
}

// addObjects reads --object.
func (s *deliverySelection) addObjects(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		id, err := strconv.ParseInt(strings.TrimSpace(part), 10, 64)
		if err != nil {
			return fmt.Errorf("%q is not an object ID", part)
		}
		s.filter.Objects = append(s.filter.Objects, id)
	}
	return nil
}

// addStates reads --state.
func (s *deliverySelection) addStates(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		state := journal.State(strings.ToLower(strings.TrimSpace(part)))
		if !slices.Contains(journal.States(), state) {
			return errors.New("must be pending, forwarded or dead")
		}
		s.filter.States = append(s.filter.States, state)
	}
	return nil
}

// storedDeliveries converts entries for output.
func storedDeliveries(entries iter.Seq2[journal.Entry, error]) iter.Seq2[receiver.StoredDelivery, error] {
	return func(yield func(receiver.StoredDelivery, error) bool) {
		for e, err := range entries {
			if !yield(receiver.NewStoredDelivery(e), err) {
				return
			}
		}
	}
}

func deliveryTable() output.Table[receiver.StoredDelivery] {
	type d = receiver.StoredDelivery
	return output.TableOf([]output.Column[d]{
		{Name: "id"},
		{Name: "received"},
		{Name: "event"},
		{Name: "objectId", Title: "OBJECT"},
		{Name: "state", Style: func(v d) terminal.Style { return stateStyle(v.State) }},
		{Name: "attempts", Detail: true},
		{Name: "lastOutcome", Text: lastOutcome, Shrinks: true},
		{Name: "lastAttempt", Text: lastAttemptTime, Detail: true},
		{Name: "subscriptionId", Title: "SUBSCRIPTION", Detail: true},
		{Name: "idempotencyKey", Title: "KEY", Detail: true},
		{Name: "altered", Detail: true},
		{Name: "backfill", Detail: true},
		{Name: "unreadable", Detail: true},
		{Name: "outdated", Detail: true},
	})
}

func stateStyle(s journal.State) terminal.Style {
	switch s {
	case journal.Forwarded:
		return terminal.Good
	case journal.Pending:
		return terminal.Warning
	default:
		return terminal.Bad
	}
}

// lastOutcome returns the error of the last attempt, else its status.
func lastOutcome(d receiver.StoredDelivery) string {
	switch {
	case d.LastAttempt == nil:
		return ""
	case d.LastAttempt.Error != "":
		return d.LastAttempt.Error
	default:
		return strconv.Itoa(d.LastAttempt.HTTPStatus)
	}
}

func lastAttemptTime(d receiver.StoredDelivery) string {
	if d.LastAttempt == nil {
		return ""
	}
	return d.LastAttempt.Time.Format(time.RFC3339)
}
