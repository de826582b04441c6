package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/journal"
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
	flags.Var(moment{&s.filter.Since, time.Now}, "since", "choose what was received then or later")
	flags.Var(moment{&s.filter.Before, time.Now}, "before", "choose what was received before")
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
	return usageFailure("no deliveries are chosen").withHint("name ids, choose with --event, --object, --state, --since or --before, or say --all")
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
	return found, s.checkIDs(ctx, j)
}

// checkIDs says which of the named ids are not in the journal.
func (s *deliverySelection) checkIDs(ctx context.Context, j *journal.Journal) error {
	if len(s.filter.IDs) == 0 {
		return nil
	}
	absent := slices.Clone(s.filter.IDs)
	for e, err := range j.List(ctx, journal.Filter{IDs: s.filter.IDs}) {
		if err != nil {
			return err
		}
		absent = slices.DeleteFunc(absent, func(id int64) bool { return id == e.ID })
	}
	if len(absent) == 0 {
		return nil
	}
	texts := make([]string, len(absent))
	for i, id := range absent {
		texts[i] = strconv.FormatInt(id, 10)
	}
	return notFoundFailure("there is no delivery %s", strings.Join(texts, ", ")).withHint("tlxhook delivery list shows what there is")
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
