package health

import (
	"fmt"
	"strconv"
	"strings"
)

// The lengths in bytes that every consumer of plugin output takes: old NRPE cuts at 1 KB, so the first line must
// carry the verdict, and Nagios itself at 8 KB.
const (
	nagiosFirstLine = 400
	nagiosOutput    = 4000
)

// Nagios renders the output of a monitoring plugin: a first line with the verdict and performance data, then one
// line for each subscription that is not well, or with all for every one. Icinga, Naemon, Centreon and Sensu
// read the same. Poller: the monitoring plugins development guidelines.
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

// inOneLine is the summary and as many of the issues as fit.
func (r *Report) inOneLine(limit int) string {
	text := cut(plain(r.Summary), limit)
	var items []string
	for _, t := range r.Issues() {
		items = append(items, t.short())
	}
	if list := listed(items, limit-len(text)-len(": ")); list != "" {
		text += ": " + list
	}
	return text
}

// perfdata is 'label'=value[UOM];[warn];[crit];[min];[max] for each count, and how long asking took.
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
