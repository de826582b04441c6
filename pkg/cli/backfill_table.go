package cli

import (
	"context"

	"github.com/tlxhook/tlxhook/pkg/backfill"
	"github.com/tlxhook/tlxhook/pkg/output"
)

// backfilledRow is what was found of one kind of objects.
type backfilledRow struct {
	maybeOfCompany
	backfill.Counts
	// Error says why the kind was not compared as a whole.
	Error string `json:"error,omitempty"`
}

func backfillTable(many bool) output.Table[backfilledRow] {
	table := output.TableOf([]output.Column[backfilledRow]{
		{Name: "object"}, {Name: "seen"}, {Name: "known"}, {Name: "missing"}, {Name: "newer"}, {Name: "gone"}, {Name: "stored"},
		{Name: "error", Detail: true},
	})
	if many {
		return inCompany(table, func(v *backfilledRow) *backfilledRow { return v })
	}
	return table
}

func (b *backfilling) print(ctx context.Context) error {
	return output.List(ctx, b.app.printer, backfillTable(b.options.fleet.many()), b.rows)
}

// verdict tells what a person is to know of what was found, and returns an error where a report found something.
func (b *backfilling) verdict() error {
	var all backfill.Counts
	for _, row := range b.rows {
		all.Missing, all.Newer, all.Gone = all.Missing+row.Missing, all.Newer+row.Newer, all.Gone+row.Gone
	}
	switch {
	case b.options.report && !all.InStep():
		return failf(codeDifferences, "deliveries have not brought everything: %d missing, %d newer, %d gone", all.Missing, all.Newer, all.Gone)
	case all.Gone > 0 && !b.options.deletes:
		b.app.note("%d gone, which nobody is told of; --deletes delivers that", all.Gone)
	}
	return nil
}
