package health

import (
	"fmt"
	"strings"
)

// checkmkLine is the maximum length of a service text in bytes.
const checkmkLine = 400

// Checkmk renders lines of a local check: one service for all subscriptions of a login, and with each also one per
// subscription. Name identifies the login; it may be empty. Source: Checkmk manual, "Local checks".
func (r *Report) Checkmk(name string, each bool) []byte {
	var out strings.Builder
	metrics := "-"
	if r.Counts != nil {
		var fields []string
		for _, count := range append(statusCounts(), countTotal) {
			fields = append(fields, fmt.Sprintf("%s=%d", count, *r.Counts.of(count)))
		}
		metrics = strings.Join(fields, "|")
	}
	checkmkService(&out, r.State, words("Tripletex webhooks", name), metrics, r.inOneLine(checkmkLine))
	if each {
		for _, f := range r.Subscriptions {
			t := f.issue()
			checkmkService(&out, f.State, words("Tripletex webhook", name, t.Company, t.Event, t.ID), "-", words(t.Status, t.TargetHost))
		}
	}
	return []byte(out.String())
}

// checkmkService writes one line. It replaces quotes in the name, which Checkmk cannot parse, and escapes "\n" in the
// text, which would start the long output.
func checkmkService(out *strings.Builder, state State, name, metrics, text string) {
	name = strings.NewReplacer(`"`, "_", `'`, "_").Replace(name)
	text = strings.ReplaceAll(text, `\n`, `\ n`)
	fmt.Fprintf(out, "%d \"%s\" %s %s\n", state.ExitCode(), name, metrics, text)
}
