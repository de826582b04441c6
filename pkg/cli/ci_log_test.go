package cli_test

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tlxhook/tlxhook/pkg/cli"
)

func TestForeignTextIsNoCommandInACILog(t *testing.T) {
	t.Parallel()
	values := []map[string]any{}
	for i, event := range []string{
		"::set-output name=ok::true", "##[stop-commands]x", "##vso[task.setvariable variable=x]y",
		"##teamcity[x]", "  ::error::x",
	} {
		values = append(values, map[string]any{"id": i + 1, "event": event, "status": "DISABLED_" + event, "targetUrl": "https://h.example.no/"})
	}
	api := listing(t, values)
	for _, variable := range []string{"GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION"} {
		for _, format := range []string{"table", "tsv", "json", "ndjson", "yaml", "csv", "name", "github", "nagios", "junit"} {
			for _, words := range [][]string{
				{"sub", "list"},
				{"sub", "list", "--jq", ".[].event"},
				{"check", "-v"},
				{"sub", "list", "--event", "::error::x"},
				{"sub", "show", "::error::##[x]"},
			} {
				environ := []string{"HOME=" + t.TempDir(), "TLXHOOK_SESSION_TOKEN=x", "TLXHOOK_BASE_URL=" + api, variable + "=true"}
				var stdout, stderr bytes.Buffer
				args := append(slices.Clone(words), "-o", format)
				cli.Main(args, cli.Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr}, environ, cli.Build{})
				text := stdout.String() + stderr.String()
				if regexp.MustCompile(`##\w*\[`).MatchString(text) {
					t.Errorf("%s %v: %s", variable, args, text)
				}
				if format != "github" && regexp.MustCompile(`(?m)^\s*::`).MatchString(text) {
					t.Errorf("%s %v: %s", variable, args, text)
				}
				if format == "github" && words[0] == "check" && !strings.HasPrefix(stdout.String(), "::error title=") {
					t.Errorf("%s %v has no commands of its own: %s", variable, args, text)
				}
			}
		}
	}
}
