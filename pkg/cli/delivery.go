package cli

import (
	"context"
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
	return group("delivery", "See and replay what listen has stored", []string{"deliveries"},
		newDeliveryList(app), newDeliveryShow(app), newDeliveryReplay(app), newDeliveryPurge(app))
}

// deliverySelection says which deliveries of which journal a command works on.
type deliverySelection struct {
	journal string
	filter  journal.Filter
	all     bool
}

const deliverySelectionHelp = `
Name deliveries by id, or choose them by --event, --object, --state, --since and
--before. Each but the times may be given more than once; events may hold "*"
and "?"; all must agree. A time is a date, a date with a time, or an age: 90m,
12h, 7d.`

func (s *deliverySelection) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	bindJournal(cmd, &s.journal)
	flags.Var((*patterns)(&s.filter.Events), "event", "choose by event, such as 'order.*'")
	flags.Var((*objects)(&s.filter.Objects), "object", "choose by the id of what the event is about")
	flags.Var((*states)(&s.filter.States), "state", "choose by state: pending, forwarded or dead")
	flags.Var((*moment)(&s.filter.Since), "since", "choose what was received then or later")
	flags.Var((*moment)(&s.filter.Before), "before", "choose what was received before")
}

// read takes the ids from the arguments.
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
	if s.all && !s.filter.Empty() {
		return usageFailure("--all and a narrower choice exclude each other")
	}
	return nil
}

func deliveryID(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id <= 0 {
		return 0, usageFailure("%q is no id of a delivery", text).withHint("tlxhook delivery list shows the ids")
	}
	return id, nil
}

// needed refuses a choice of nothing, which --all says on purpose.
func (s *deliverySelection) needed() error {
	if s.all || !s.filter.Empty() {
		return nil
	}
	return usageFailure("no deliveries are chosen").
		withHint("name ids, choose with --event, --object, --state, --since or --before, or say --all")
}

// find returns what was chosen, the oldest first. Ids that are not there are an error.
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

// objects is the value of a flag with ids of objects.
type objects []int64

func (o *objects) Type() string   { return "ID" }
func (o *objects) String() string { return strings.Trim(fmt.Sprint(*o), "[]") }
func (o *objects) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		id, err := strconv.ParseInt(strings.TrimSpace(part), 10, 64)
		if err != nil {
			return fmt.Errorf("%q is no id", part)
		}
		*o = append(*o, id)
	}
	return nil
}

// states is the value of a flag with states of deliveries.
type states []journal.State

func (s *states) Type() string   { return "STATE" }
func (s *states) String() string { return strings.Trim(fmt.Sprint(*s), "[]") }
func (s *states) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		state := journal.State(strings.ToLower(strings.TrimSpace(part)))
		if !slices.Contains(journal.States(), state) {
			return fmt.Errorf("%q does not exist; there are pending, forwarded and dead", part)
		}
		*s = append(*s, state)
	}
	return nil
}

// deliveries returns "1 delivery" or "2 deliveries".
func deliveries(n int64) string {
	if n == 1 {
		return "1 delivery"
	}
	return fmt.Sprintf("%d deliveries", n)
}

// storedDeliveries returns entries as they are printed.
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
		{Name: "event", Shrinks: true},
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
