package health

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Limits of the plugin output in bytes: old NRPE truncates at 1 KB, so the state must be in the first line, and Nagios
// itself at 8 KB.
const (
	nagiosFirstLine = 400
	nagiosOutput    = 4000
)

// Nagios renders the output of a monitoring plugin: a first line with state, summary and performance data, then one line
// per issue, or with all per subscription. Icinga, Naemon, Centreon and Sensu read the same format.
// Source: Monitoring Plugins Development Guidelines.
func (r *Report) Nagios(all bool) []byte {
	perfdata := r.perfdata()
	head := fmt.Sprintf("WEBHOOKS %s: ", r.State)
	room := nagiosFirstLine - len(head) - len(" | ") - len(perfdata)
	lines := []string{head + r.inOneLine(room) + " | " + perfdata}
	if r.Problem != nil && r.Problem.Hint != "" {
		lines = append(lines, "hint: "+cut(plain(r.Problem.Hint), nagiosFirstLine))
	}
	for _, t := range r.Issues() {
		lines = append(lines, t.long())
	}
	if all {
		for _, f := range r.Subscriptions {
			if f.State == OK {
				lines = append(lines, f.issue().long())
			}
		}
	}
	var out strings.Builder
	for i, line := range lines {
		more := fmt.Sprintf("and %d more\n", len(lines)-i)
		if out.Len()+len(line)+1+len(more) > nagiosOutput {
			out.WriteString(more)
			break
		}
		out.WriteString(line + "\n")
	}
	return []byte(out.String())
}

// inOneLine returns the summary and as many issues as fit into limit bytes, without the silences, which the summary names.
func (r *Report) inOneLine(limit int) string {
	text := cut(plain(r.Summary), limit)
	var items []string
	for _, t := range r.Issues() {
		if !slices.Contains(r.silent, t) {
			items = append(items, t.short())
		}
	}
	if list := listed(items, limit-len(text)-len(": ")); list != "" {
		text += ": " + list
	}
	return text
}

// perfdata returns 'label'=value[UOM];[warn];[crit];[min];[max] for each count and for the duration of the listing.
func (r *Report) perfdata() string {
	var fields []string
	if r.Counts != nil {
		for _, name := range statusCounts() {
			warning, critical := r.rules.ranges(name)
			fields = append(fields, fmt.Sprintf("%s=%d;%s;%s;0;%d", name, *r.Counts.of(name), warning.text, critical.text, r.Counts.Total))
		}
		warning, critical := r.rules.ranges(countTotal)
		fields = append(fields, fmt.Sprintf("%s=%d;%s;%s;0", countTotal, r.Counts.Total, warning.text, critical.text))
	}
	fields = append(fields, "time="+strconv.FormatFloat(r.took.Seconds(), 'f', 3, 64)+"s;;;0")
	return strings.Join(fields, " ")
}
