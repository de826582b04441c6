package health_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// threeOfFourteen is the example of the documentation.
func threeOfFourteen() *health.Report {
	statuses := []tripletex.Status{"DISABLED_TOO_MANY_ERRORS", "DISABLED_MISUSE", "DISABLED"}
	for range 11 {
		statuses = append(statuses, tripletex.Active)
	}
	all := subscriptions(statuses...)
	all[0].Event, all[2].Event = "invoice.charged", "order.update"
	return health.Check(health.Input{Subscriptions: all, Took: 213 * time.Millisecond})
}

func hostileNames() []string {
	return []string{
		"a|b=1;2", "line\nfeed", "carriage\r\nreturn", "::error::x", "\n::error title=x::y", `quo"te'd`, "\x1b]52;c;AAAA\x07", "\xff\xfe",
		"\u202eturned\u2066", "%0A%25", "<b>&amp;</b>", "`code` [x](http://evil)",
		"@everyone", `\n`, "# TYPE x", `"} 1`, "æøå 日本", strings.Repeat("x", 255), "",
	}
}

// hostile is a report in which every external text is malicious.
func hostile() *health.Report {
	var all []tripletex.Subscription
	for i, name := range hostileNames() {
		all = append(all, tripletex.Subscription{
			ID: int64(i + 1), Event: name, Status: tripletex.Status("DISABLED_" + name), TargetURL: "https://u:canary@h.example.no/?t=canary",
		})
	}
	all = append(all, tripletex.Subscription{ID: 99, Event: "order.create", Status: ""})
	compared := &health.Comparison{
		Missing:  []health.Entry{{Event: "a|b\n", TargetHost: "\x1b"}},
		Drifting: []health.Entry{{Event: "::error::", TargetHost: "%"}},
	}
	return health.Check(health.Input{Subscriptions: all, Manifest: compared})
}

func unreachable() *health.Report {
	return health.Unreachable(health.Problem{Code: "timeout", Message: "timed out after 8s\n|x=1 ::error::"}, health.Unknown, 8*time.Second)
}

// disabled is a report on n disabled subscriptions.
func disabled(n int) *health.Report {
	return health.Check(health.Input{Subscriptions: subscriptions(slices.Repeat([]tripletex.Status{tripletex.DisabledTooManyErrors}, n)...)})
}

func thousands() *health.Report { return disabled(10000) }

func TestNagiosMatchesTheDocumentation(t *testing.T) {
	t.Parallel()
	want := `WEBHOOKS CRITICAL: 3 of 14 not active: 4711 invoice.charged DISABLED_TOO_MANY_ERRORS, ` +
		`4712 order.create DISABLED_MISUSE, 4713 order.update DISABLED | active=11;;1:;0;14 disabled=1;0;;0;14 ` +
		`too_many_errors=1;;0;0;14 rate_limited=0;;0;0;14 misuse=1;;0;0;14 other=0;;0;0;14 total=14;;;0 time=0.213s;;;0
4711 invoice.charged DISABLED_TOO_MANY_ERRORS hooks.example.no
4712 order.create DISABLED_MISUSE hooks.example.no
4713 order.update DISABLED hooks.example.no
`
	if diff := cmp.Diff(want, string(threeOfFourteen().Nagios(false))); diff != "" {
		t.Error(diff)
	}
	verbose := string(threeOfFourteen().Nagios(true))
	if !strings.HasPrefix(verbose, want) {
		t.Errorf("verbose = %q, want it to begin with %q", verbose, want)
	}
	if strings.Count(verbose, " ACTIVE hooks.example.no\n") != 11 {
		t.Errorf("got = %v, want 11", strings.Count(verbose, " ACTIVE hooks.example.no\n"))
	}
}

var errPlugin = errors.New("invalid plugin output")

// readPlugin parses plugin output as a monitor does: state, text without "|", and performance data.
func readPlugin(output []byte) (perfdata []string, err error) {
	first, rest, _ := strings.Cut(string(output), "\n")
	text, data, found := strings.Cut(first, " | ")
	if !regexp.MustCompile(`^WEBHOOKS (OK|WARNING|CRITICAL|UNKNOWN): .`).MatchString(text) || !found || strings.Contains(data+rest, "|") {
		return nil, fmt.Errorf("%w: %q", errPlugin, first)
	}
	number := `-?[0-9.]*`
	field := regexp.MustCompile(`^([a-z_]{1,19})=[0-9.]+s?;[@~0-9:.]*;[@~0-9:.]*;` + number + `(;` + number + `)?$`)
	for one := range strings.FieldsSeq(data) {
		if !field.MatchString(one) {
			return nil, fmt.Errorf("%w: %q", errPlugin, one)
		}
		perfdata = append(perfdata, one)
	}
	return perfdata, nil
}

func TestNagiosRespectsItsLimits(t *testing.T) {
	t.Parallel()
	for name, report := range map[string]*health.Report{
		"example": threeOfFourteen(), "hostile": hostile(), "unreachable": unreachable(), "companies": hostileCompanies(),
		"thousands":   thousands(),
		"nothing":     health.Check(health.Input{}),
		"long reason": health.Unreachable(health.Problem{Message: strings.Repeat("æ", 3000)}, health.Unknown, 0),
	} {
		for _, all := range []bool{false, true} {
			output := report.Nagios(all)
			first, _, _ := strings.Cut(string(output), "\n")
			if _, err := readPlugin(output); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			switch {
			case len(first) > 400:
				t.Errorf("%s: first line %d, output %d bytes", name, len(first), len(output))
			case len(output) > 4000:
				t.Errorf("%s: len(output) = %v, want at most 4000", name, len(output))
			case !utf8.Valid(output):
				t.Errorf("%s: first line %d, output %d bytes", name, len(first), len(output))
			case output[len(output)-1] != '\n':
				t.Errorf("%s: output[len(output)-1] = %v, want '\\n'", name, output[len(output)-1])
			}
			if strings.ContainsFunc(string(output), func(r rune) bool { return r != '\n' && terminal.Unsafe(r) }) {
				t.Errorf("%s: %q does something to a terminal", name, output)
			}
		}
	}
	output := string(thousands().Nagios(false))
	if !regexp.MustCompile(`, and 99\d\d more \|`).MatchString(output) {
		t.Errorf("the number of omitted issues is missing:\n%s", output)
	}
	if !regexp.MustCompile(`\nand 99\d\d more\n$`).MatchString(output) {
		t.Errorf("the number of omitted issues is missing:\n%s", output)
	}
	shown := strings.Count(output, "\n") - 2
	if !strings.HasSuffix(output, fmt.Sprintf("\nand %d more\n", 10000-shown)) {
		t.Errorf("%d are shown:\n%s", shown, output)
	}
}

// Events of every length meet the limits exactly: no byte more, and no line less.
func TestNagiosFillsItsLimits(t *testing.T) {
	t.Parallel()
	for length := 1; length <= 300; length++ {
		all := subscriptions(slices.Repeat([]tripletex.Status{tripletex.Disabled}, 150)...)
		for i := range all {
			all[i].Event = strings.Repeat("e", length)
		}
		output := health.Check(health.Input{Subscriptions: all}).Nagios(false)
		lines := strings.SplitAfter(string(output), "\n")
		if first := len(lines[0]) - 1; first > 400 {
			t.Errorf("%d: the first line has %d bytes, want at most 400", length, first)
		}
		if least := 4000 - len(lines[1]); len(output) > 4000 || len(output) <= least {
			t.Errorf("%d: the output has %d bytes, want more than %d and at most 4000", length, len(output), least)
		}
	}
}

func TestNagiosGivesTheHint(t *testing.T) {
	t.Parallel()
	for hint, want := range map[string]int{"": 1, "log in": 2} {
		output := string(health.Unreachable(health.Problem{Message: "refused", Hint: hint}, health.Unknown, 0).Nagios(false))
		if got := strings.Count(output, "\n"); got != want {
			t.Errorf("hint %q: %q has %d lines, want %d", hint, output, got, want)
		}
	}
}

// The grammar of local checks from the source of Checkmk: state, quoted name without quotes, metrics without blanks, text.
func TestCheckmkLinesAreValid(t *testing.T) {
	t.Parallel()
	want := "2 \"Tripletex webhooks acme\" active=11|disabled=1|too_many_errors=1|rate_limited=0|misuse=1|other=0|total=14 " +
		"3 of 14 not active: 4711 invoice.charged DISABLED_TOO_MANY_ERRORS, 4712 order.create DISABLED_MISUSE, 4713 order.update DISABLED\n"
	if diff := cmp.Diff(want, string(threeOfFourteen().Checkmk("acme", false))); diff != "" {
		t.Error(diff)
	}
	line := regexp.MustCompile(`^([0-3]) "([^"']+)" (-|[a-z_]+=[0-9]+(?:\|[a-z_]+=[0-9]+)*) (.+)$`)
	for name, report := range map[string]*health.Report{
		"example": threeOfFourteen(), "hostile": hostile(), "unreachable": unreachable(), "companies": hostileCompanies(),
		"thousands": thousands(),
	} {
		services := map[string]bool{}
		for one := range strings.Lines(string(report.Checkmk("a'c\"me", true))) {
			parts := line.FindStringSubmatch(strings.TrimSuffix(one, "\n"))
			if parts == nil {
				t.Fatalf("%s: %q", name, one)
			}
			if services[parts[2]] {
				t.Fatalf("%s: %q", name, one)
			}
			if strings.Contains(parts[4], `\n`) {
				t.Fatalf("%s: %q", name, one)
			}
			services[parts[2]] = true
		}
		if want := len(report.Subscriptions) + 1; len(services) != want {
			t.Errorf("%s: %d services, want %d", name, len(services), want)
		}
	}
}

func TestZabbixListsEverySubscription(t *testing.T) {
	t.Parallel()
	var found []map[string]string
	raw, err := threeOfFourteen().ZabbixDiscovery("acme")
	if err != nil {
		t.Fatal(err)
	}
	if json.Unmarshal(raw, &found) != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	if len(found) != 14 {
		t.Fatalf("len(found) = %v, want 14", len(found))
	}
	want := map[string]string{"{#PROFILE}": "acme", "{#SUBID}": "4711", "{#EVENT}": "invoice.charged", "{#TARGETHOST}": "hooks.example.no"}
	if diff := cmp.Diff(want, found[0]); diff != "" {
		t.Error(diff)
	}
	switch raw, err := health.Check(health.Input{}).ZabbixDiscovery(""); {
	case string(raw) != "[]\n":
		t.Errorf("raw = %q, want %q", string(raw), "[]\n")
	case err != nil:
		t.Error(err)
	}
	switch raw, err := unreachable().ZabbixDiscovery(""); {
	case len(raw) != 0:
		t.Errorf("len(raw) = %v, want 0", len(raw))
	case err != nil:
		t.Error(err)
	}
}

// readCommands reads output as the runner of GitHub Actions does: a line whose first "::" begins a command ends it
// at the next "::"; properties are split at "," and "=" before they are unescaped.
func readCommands(t *testing.T, output string) (levels []string, titles []string, messages []string) {
	t.Helper()
	unescape := strings.NewReplacer("%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%").Replace
	for line := range strings.Lines(output) {
		head, message, ok := strings.Cut(strings.TrimPrefix(line, "::"), "::")
		level, properties, _ := strings.Cut(head, " ")
		name, title, _ := strings.Cut(properties, "=")
		if !ok {
			t.Fatal("no command: ok = false, want true")
		}
		if !strings.HasPrefix(line, "::") {
			t.Fatalf("no command: line = %q, want it to begin with %q", line, "::")
		}
		if name != "title" {
			t.Fatalf("no command: name = %q, want %q", name, "title")
		}
		if strings.Contains(title, ",") {
			t.Fatalf("no command: title = %q, want it not to contain %q", title, ",")
		}
		levels, titles, messages = append(levels, level), append(titles, unescape(title)),
			append(messages, unescape(strings.TrimSuffix(message, "\n")))
	}
	return levels, titles, messages
}

func TestGitHubReadsAnnotations(t *testing.T) {
	t.Parallel()
	want := `::error title=Tripletex webhook 4711::invoice.charged to hooks.example.no is DISABLED_TOO_MANY_ERRORS
::error title=Tripletex webhook 4712::order.create to hooks.example.no is DISABLED_MISUSE
::warning title=Tripletex webhook 4713::order.update to hooks.example.no is DISABLED
`
	if diff := cmp.Diff(want, string(threeOfFourteen().GitHub())); diff != "" {
		t.Error(diff)
	}
	levels, _, messages := readCommands(t, string(health.Check(health.Input{Subscriptions: subscriptions("ACTIVE")}).GitHub()))
	switch {
	case len(levels) != 1:
		t.Errorf("len(levels) = %v, want 1", len(levels))
	case levels[0] != "notice":
		t.Errorf("levels[0] = %q, want %q", levels[0], "notice")
	case messages[0] != "1 of 1 active":
		t.Errorf("messages[0] = %q, want %q", messages[0], "1 of 1 active")
	}
	levels, _, messages = readCommands(t, string(unreachable().GitHub()))
	switch {
	case len(levels) != 1:
		t.Errorf("len(levels) = %v, want 1", len(levels))
	case levels[0] != "error":
		t.Errorf("levels[0] = %q, want %q", levels[0], "error")
	case !strings.HasPrefix(messages[0], "timed out after 8s"):
		t.Errorf("messages[0] = %q, want it to begin with %q", messages[0], "timed out after 8s")
	}
	levels, _, _ = readCommands(t, string(thousands().GitHub()))
	if len(levels) != 10 {
		t.Errorf("%d annotations; GitHub shows 10", len(levels))
	}
	// A violated threshold has its own annotation.
	levels, titles, _ := readCommands(t, string(health.Check(health.Input{Subscriptions: subscriptions("DISABLED")}).GitHub()))
	switch diff := cmp.Diff([]string{"error", "warning"}, levels); {
	case diff != "":
		t.Errorf("diff = %q, want %q", diff, "")
	case titles[0] != "Tripletex webhooks":
		t.Errorf("titles[0] = %q, want %q", titles[0], "Tripletex webhooks")
	}
	levels, _, messages = readCommands(t, string(hostile().GitHub()))
	switch {
	case len(levels) != 10+1:
		t.Errorf("len(levels) = %v, want %v", len(levels), 10+1)
	case strings.ContainsAny(strings.Join(messages, ""), "\r\n\x1b"):
		t.Errorf("%d annotations: %q", len(levels), messages)
	}
}

// GitHub shows ten annotations of a level: ten fit, and of eleven the last stands for two.
func TestGitHubAnnotationsAreNotCutWithoutNeed(t *testing.T) {
	t.Parallel()
	for issues, want := range map[int]string{10: "order.create to ", 11: "and 2 more; 11 of 11 not active"} {
		levels, _, messages := readCommands(t, string(disabled(issues).GitHub()))
		if len(levels) != 10 {
			t.Errorf("%d issues: %d annotations, want 10", issues, len(levels))
		}
		if last := messages[len(messages)-1]; !strings.HasPrefix(last, want) {
			t.Errorf("%d issues: the last annotation is %q, want it to begin with %q", issues, last, want)
		}
	}
}

// GitHub discards a large summary, so it is cut between two rows.
func TestGitHubSummaryOfLongTextsIsBounded(t *testing.T) {
	t.Parallel()
	all := subscriptions(slices.Repeat([]tripletex.Status{tripletex.Disabled}, 150)...)
	for i := range all {
		all[i].Event = strings.Repeat("x", 3000)
	}
	summary, rest, found := strings.Cut(string(health.Check(health.Input{Subscriptions: all}).GitHubSummary()), "\nand ")
	if !found {
		t.Fatal("the number of omitted issues is missing")
	}
	if len(summary) > 256<<10 {
		t.Errorf("%d bytes, want at most %d", len(summary), 256<<10)
	}
	if want := fmt.Sprintf("%d more\n\n", 150-strings.Count(summary, "\n| 4")); rest != want {
		t.Errorf("%q are omitted, want %q", rest, want)
	}
}

func TestGitHubSummaryIsABoundedTable(t *testing.T) {
	t.Parallel()
	summary := string(thousands().GitHubSummary())
	switch {
	case !strings.HasPrefix(summary, "### Tripletex webhooks: CRITICAL\n\n10000 of 10000 not active\n\n| id | event |"):
		t.Errorf("summary = %q, want it to begin with %q", summary,
			"### Tripletex webhooks: CRITICAL\n\n10000 of 10000 not active\n\n| id | event |")
	case !strings.Contains(summary, "\nand 9800 more\n"):
		t.Errorf("summary = %q, want it to contain %q", summary, "\nand 9800 more\n")
	case strings.Count(summary, "\n| 4") == 0:
		t.Error("got = 0")
	case len(summary) > 256<<10:
		t.Errorf("len(summary) = %v, want at most %v", len(summary), 256<<10)
	}
	for line := range strings.Lines(string(hostile().GitHubSummary())) {
		if strings.HasPrefix(line, "|") && strings.Count(line, "|") != 5 {
			t.Errorf("%q", line)
		}
		if strings.ContainsAny(line, "<@`[") {
			t.Errorf("%q", line)
		}
	}
}

func TestNoFormatShowsASecret(t *testing.T) {
	t.Parallel()
	for _, report := range []*health.Report{hostile(), threeOfFourteen()} {
		zabbix, err1 := report.ZabbixDiscovery("p")
		junit, err2 := report.JUnit("p")
		asJSON, err3 := json.Marshal(report)
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Fatal(err)
		}
		for _, raw := range [][]byte{
			report.Nagios(true), report.Checkmk("p", true), zabbix, junit, asJSON, report.GitHub(), report.GitHubSummary(),
			pageOf(health.Sample{Report: report, Each: true}),
		} {
			if strings.Contains(string(raw), "canary") {
				t.Errorf("%s", raw)
			}
		}
	}
}
