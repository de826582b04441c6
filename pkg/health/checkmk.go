package health

import (
	"fmt"
	"strings"
)

// checkmkLine is the length in bytes of the text of a service.
const checkmkLine = 400

// Checkmk renders lines of a local check: one service for all subscriptions of a login, or, where each says so,
// one for every subscription. Name tells logins apart; it may be empty. Poller: Checkmk, local checks.
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

// checkmkService writes one line. A name holds no quotes, not even single ones, or Checkmk does not read the
// line; "\n" in a text would begin its long output.
func checkmkService(out *strings.Builder, state State, name, metrics, text string) {
	name = strings.NewReplacer(`"`, "_", `'`, "_").Replace(name)
	text = strings.ReplaceAll(text, `\n`, `\ n`)
	fmt.Fprintf(out, "%d \"%s\" %s %s\n", state.ExitCode(), name, metrics, text)
}
