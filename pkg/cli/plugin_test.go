package cli_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/cli"
)

// A monitor must not take a fault of the program for a verdict: exit code 2 or 70 would be one.
func TestCheckReportsUnknownForItsOwnBugs(t *testing.T) {
	t.Parallel()
	environ := []string{"HOME=" + t.TempDir(), "TLXHOOK_PROFILE=sandbox"}
	var stdout bytes.Buffer
	heard := cli.Streams{In: strings.NewReader(""), Out: &stdout, Err: panicking{}}
	if code := cli.Main([]string{"check", "-v"}, heard, environ, cli.Build{}); code != 3 {
		t.Errorf("exit %d", code)
	}
	switch text := stdout.String(); {
	case !strings.HasPrefix(text, "WEBHOOKS UNKNOWN: bug: a fault | time="):
		t.Errorf("text = %q, want it to begin with %q", text, "WEBHOOKS UNKNOWN: bug: a fault | time=")
	case !strings.Contains(text, "hint: report the lines above"):
		t.Errorf("text = %q, want it to contain %q", text, "hint: report the lines above")
	}
	unheard := cli.Streams{In: strings.NewReader(""), Out: panicking{}, Err: io.Discard}
	if code := cli.Main([]string{"check"}, unheard, environ, cli.Build{}); code != 3 {
		t.Errorf("exit %d", code)
	}
}
