package match

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/payload"
)

// FieldWarnings returns warnings about the fields of subscriptions to events or patterns such as "order.*":
// names that the delivered object does not have, with similar ones, and a missing id or version. Each text is returned
// once. A newer version of Tripletex may know more names.
func FieldWarnings(fields string, events ...string) (warnings []string) {
	filter, err := payload.Parse(fields)
	if err != nil {
		return []string{fmt.Sprintf("fields %q: %v", fields, err)}
	}
	carried := slices.DeleteFunc(slices.Clone(events), payload.IsDeletion)
	for _, event := range carried {
		for _, u := range payload.CheckEvent(event, filter) {
			warnings = append(warnings, unknownField(u))
		}
	}
	slices.Sort(warnings)
	warnings = slices.Compact(warnings)
	missing := slices.DeleteFunc([]string{"id", "version"}, filter.Has)
	if len(carried) > 0 && len(missing) > 0 {
		warnings = append(warnings, "fields omit "+strings.Join(missing, " and ")+", which ordering and backfill need")
	}
	return warnings
}

func unknownField(u payload.Unknown) string {
	text := fmt.Sprintf("fields: %s has no field %q", u.Model.Name, u.Name)
	if u.Path != u.Name {
		text += " (" + u.Path + ")"
	}
	if near := Nearest(u.Name, u.Model.Names()); len(near) > 0 {
		text += "; did you mean " + strings.Join(near, ", ") + "?"
	}
	return text
}
