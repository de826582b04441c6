package receiver_test

import (
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/sender"
)

// A signed delivery can have an event name of a megabyte.
func TestLineOfAHugeEventNameIsBounded(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("x", 900_000)
	for name, record := range map[string]receiver.EventRecord{
		"event": {Kind: receiver.KindReceived, Event: huge, ObjectID: 7},
		"error": {Kind: receiver.KindRejected, HTTPAttempt: sender.HTTPAttempt{Error: huge}},
	} {
		if line := record.Line(false, ""); len(line) > 10_000 || !strings.Contains(line, "bytes omitted") {
			t.Errorf("%s: %d bytes", name, len(line))
		}
	}
}
