package login

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Trace returns a function that prints an exchange with the API. The client has removed secrets from it.
func Trace(to io.Writer) func(tripletex.Exchange) {
	return func(e tripletex.Exchange) { _, _ = io.WriteString(to, traceText(e)) }
}

func traceText(e tripletex.Exchange) string {
	var text strings.Builder
	fmt.Fprintf(&text, "> %s %s\n", e.Method, terminal.Safe(e.URL))
	if e.Sent != "" {
		fmt.Fprintf(&text, "> %s\n", terminal.Safe(e.Sent))
	}
	if e.Err != nil {
		fmt.Fprintf(&text, "< %s after %s\n", terminal.Safe(e.Err.Error()), e.Duration.Round(time.Microsecond))
	} else {
		fmt.Fprintf(&text, "< %d after %s", e.Status, e.Duration.Round(time.Microsecond))
		for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
			fmt.Fprintf(&text, "; %s: %s", name, terminal.Safe(strings.Join(e.Headers[name], ", ")))
		}
		text.WriteByte('\n')
	}
	if e.Received != "" {
		fmt.Fprintf(&text, "< %s\n", terminal.Safe(e.Received))
	}
	return text.String()
}
