package health_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// need returns the path of a tool that must exist in CI.
func need(t *testing.T, tool string) string {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err != nil && os.Getenv("CI") != "" {
		t.Fatalf("%s must be installed in CI", tool)
	}
	if err != nil {
		t.Skipf("%s is not installed", tool)
	}
	return path
}

// run passes text to a tool and returns its output.
func run(t *testing.T, input []byte, tool string, args ...string) (string, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), need(t, tool), args...)
	command.Stdin = bytes.NewReader(input)
	printed, err := command.CombinedOutput()
	return string(printed), err
}

func TestJUnitFollowsItsSchema(t *testing.T) {
	t.Parallel()
	for name, report := range map[string]*health.Report{
		"example": threeOfFourteen(), "hostile": hostile(), "unreachable": unreachable(),
		"companies": hostileCompanies(), "thousands": thousands(), "nothing": health.Check(health.Input{}),
	} {
		raw, err := report.JUnit("acme")
		if err != nil {
			t.Fatal(err)
		}
		if printed, err := run(t, raw, "xmllint", "--noout", "--schema", "../junit/testdata/junit.xsd", "-"); err != nil {
			t.Errorf("%s: %v\n%s", name, err, printed)
		}
	}
	raw, err := threeOfFourteen().JUnit("acme")
	wrong := bytes.Replace(raw, []byte(`tests="15"`), []byte(`tests="many"`), 1)
	switch printed, failed := run(t, wrong, "xmllint", "--noout", "--schema", "../junit/testdata/junit.xsd", "-"); {
	case failed == nil:
		t.Errorf("the schema accepts an invalid document: %s", printed)
	case err != nil:
		t.Errorf("the schema accepts an invalid document: %v", err)
	case bytes.Equal(raw, wrong):
		t.Errorf("the schema accepts an invalid document: %s", printed)
	}
}

// The counts of the JUnit attributes match the cases.
func TestJUnitCountsMatchTheCases(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"string(/testsuites/@failures)":                                  "4",
		"string(/testsuites/testsuite/@tests)":                           "15",
		"count(//testcase/failure)":                                      "4",
		`string(//testcase[@name="invoice.charged 4711"]/failure/@type)`: "DISABLED_TOO_MANY_ERRORS",
		`string(//testcase[@classname="tlxhook.acme"][@name="order.update 4713"]` +
			`/failure/@message)`: "order.update to hooks.example.no is DISABLED",
	} {
		raw, err := threeOfFourteen().JUnit("acme")
		if err != nil {
			t.Fatal(err)
		}
		switch got, err := run(t, raw, "xmllint", "--xpath", query, "-"); {
		case err != nil:
			t.Error(err)
		case strings.TrimSpace(got) != want:
			t.Errorf("strings.TrimSpace(got) = %v, want %v", strings.TrimSpace(got), want)
		}
	}
}

func sample(report *health.Report) health.Sample {
	now := time.UnixMilli(1790000000123)
	changed := map[int64]time.Time{}
	for _, f := range report.Subscriptions {
		changed[f.ID] = now
	}
	return health.Sample{
		Report: report, Company: "Åse \"A|S\"\n\\", Each: true, Live: true, LastSuccess: now, Changed: changed, SessionExpiry: now,
		RateLimit: tripletex.RateLimit{Limit: 100, Remaining: 50, Reset: now},
	}
}

func TestPrometheusAcceptsEveryMetric(t *testing.T) {
	t.Parallel()
	for name, report := range map[string]*health.Report{
		"example": threeOfFourteen(), "hostile": hostile(), "unreachable": unreachable(),
		"companies": hostileCompanies(), "nothing": health.Check(health.Input{}),
	} {
		raw := pageOf(sample(report))
		switch printed, err := run(t, raw, "promtool", "check", "metrics"); {
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case printed != "":
			t.Errorf("%s: printed = %q, want %q", name, printed, "")
		}
	}
	if printed, err := run(t, []byte("x{a=\"\xff\"} 1\n"), "promtool", "check", "metrics"); err == nil {
		t.Errorf("promtool accepts invalid metrics: %s", printed)
	}
}
