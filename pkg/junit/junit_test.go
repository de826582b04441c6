package junit_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/junit"
)

// A document with every kind of case, and texts that are not valid in XML, follows the schema of Jenkins.
func TestDocumentFollowsTheSchema(t *testing.T) {
	t.Parallel()
	xmllint, err := exec.LookPath("xmllint")
	switch {
	case err != nil && os.Getenv("CI") != "":
		t.Fatal("xmllint must be installed in CI")
	case err != nil:
		t.Skip("xmllint is not installed")
	}
	raw, err := junit.Document("a.b", []junit.Case{
		{Class: "a.b", Name: "success"},
		{Class: "a.b", Name: "failure", Failure: &junit.Fault{Type: "differs", Message: "<&\"\x00\x1b\xff"}},
		{Class: "a.b", Name: "error", Error: &junit.Fault{Type: "network", Message: "refused"}},
		{Class: "a.b", Name: "skipped", Skipped: &junit.Skipped{Message: "no \u202e permission"}},
	}, 1500*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), xmllint, "--noout", "--schema", "testdata/junit.xsd", "-")
	command.Stdin = bytes.NewReader(raw)
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\n%s", err, out, raw)
	}
	const want = `<testsuite name="a.b" tests="4" failures="1" errors="1" time="1.500">`
	if !strings.Contains(string(raw), want) {
		t.Errorf("raw = %s, want it to contain %s", raw, want)
	}
}
