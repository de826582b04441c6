package cli

import (
	"context"
	"strconv"

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
	type r = backfilledRow
	count := func(name, title string, of func(r) int) output.Column[r] {
		return output.Column[r]{Name: name, Title: title, Text: func(v r) string { return strconv.Itoa(of(v)) }}
	}
	table := output.Table[r]{ID: func(v r) string { return v.Object }}
	if many {
		table.Columns = append(table.Columns, output.Column[r]{Name: "companyName", Title: "COMPANY", Text: func(v r) string { return v.CompanyName }, Shrinks: true})
	}
	table.Columns = append(table.Columns,
		output.Column[r]{Name: "object", Title: "OBJECT", Text: func(v r) string { return v.Object }},
		count("seen", "SEEN", func(v r) int { return v.Seen }),
		count("known", "KNOWN", func(v r) int { return v.Known }),
		count("missing", "MISSING", func(v r) int { return v.Missing }),
		count("newer", "NEWER", func(v r) int { return v.Newer }),
		count("gone", "GONE", func(v r) int { return v.Gone }),
		count("stored", "STORED", func(v r) int { return v.Stored }),
		output.Column[r]{Name: "error", Title: "ERROR", Text: func(v r) string { return v.Error }, Detail: true},
	)
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
