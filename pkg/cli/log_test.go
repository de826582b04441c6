package cli_test

import (
	"bytes"
	"io"
	"log"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/cli"
)

// TestNothingIsLoggedByTheStandardLibrary runs alone: the logger belongs to the process. Through it, net/http prints the
// text that an app sends after a response, which may be a secret or control a terminal.
func TestNothingIsLoggedByTheStandardLibrary(t *testing.T) {
	var logged, printed bytes.Buffer
	before := log.Writer()
	log.SetOutput(&logged)
	defer log.SetOutput(before)
	cli.Main([]string{"version"}, cli.Streams{In: bytes.NewReader(nil), Out: &printed, Err: &printed}, nil, cli.Build{})
	log.Print("Unsolicited response received on idle HTTP channel")
	if log.Writer() != io.Discard {
		t.Errorf("logged %q", logged.String())
	}
}
