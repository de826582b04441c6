package health

import (
	"fmt"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// Limits of GitHub Actions: a step shows ten annotations per level, and a summary over 1 MiB is discarded.
const (
	githubAnnotations = 10
	githubRows        = 200
	githubSummary     = 256 << 10
)

// GitHub renders workflow commands that annotate a run. Source: GitHub, "Workflow commands for GitHub Actions".
func (r *Report) GitHub() []byte {
	levels := map[State]string{OK: "notice", Warning: "warning", Critical: "error", Unknown: "error"}
	messages := map[string][][2]string{}
	issues := r.Issues()
	if len(issues) == 0 || issues[0].State != r.State { // the state has another cause than a single subscription
		messages[levels[r.State]] = [][2]string{{"Tripletex webhooks", plain(r.Summary)}}
	}
	for _, t := range issues {
		level := levels[t.State]
		messages[level] = append(messages[level], [2]string{words("Tripletex webhook", t.ID), t.sentence()})
	}
	var out strings.Builder
	for _, level := range []string{"error", "warning", "notice"} {
		all := messages[level]
		if rest := len(all) - (githubAnnotations - 1); rest > 1 {
			all = append(all[:githubAnnotations-1],
				[2]string{"Tripletex webhooks", fmt.Sprintf("and %d more; %s", rest, plain(r.Summary))})
		}
		for _, m := range all {
			fmt.Fprintf(&out, "::%s title=%s::%s\n", level, githubProperty(m[0]), githubMessage(m[1]))
		}
	}
	return []byte(out.String())
}

// sentence returns the issue as a sentence without a full stop.
func (t Issue) sentence() string {
	if t.Status == statusUnreachable {
		return cut(t.long(), nagiosFirstLine)
	}
	text := cut(plain(t.Event), longest)
	if text == "" {
		text = "subscription " + t.ID
	}
	if t.TargetHost != "" {
		text += " to " + cut(plain(t.TargetHost), longest)
	}
	switch t.Status {
	case statusMissing:
		return text + " is missing" + t.place()
	case statusDiffers:
		return text + " differs from the manifest" + t.place()
	default:
		return text + " is " + cut(plain(t.Status), longest) + t.place()
	}
}

// githubMessage escapes the message of a workflow command, so that the text cannot start another command.
func githubMessage(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
}

func githubProperty(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(text)
}

// GitHubSummary renders the Markdown to append to the file that GITHUB_STEP_SUMMARY names.
func (r *Report) GitHubSummary() []byte {
	var out strings.Builder
	fmt.Fprintf(&out, "### Tripletex webhooks: %s\n\n%s\n", r.State, markdown(r.Summary))
	rows := r.Issues()
	company := len(r.Companies) > 0
	switch {
	case len(rows) > 0 && company:
		out.WriteString("\n| company | id | event | status | target host |\n|---|---|---|---|---|\n")
	case len(rows) > 0:
		out.WriteString("\n| id | event | status | target host |\n|---|---|---|---|\n")
	}
	for i, t := range rows {
		row := fmt.Sprintf("| %s | %s | %s | %s |\n", t.ID, markdown(t.Event), markdown(t.Status), markdown(t.TargetHost))
		if company {
			row = "| " + markdown(t.Company) + " " + row
		}
		if i == githubRows || out.Len()+len(row) > githubSummary {
			fmt.Fprintf(&out, "\nand %d more\n", len(rows)-i)
			break
		}
		out.WriteString(row)
	}
	out.WriteString("\n")
	return []byte(out.String())
}

// markdown escapes untrusted text for a table cell: no markup, mentions or links.
func markdown(text string) string {
	var out strings.Builder
	for _, r := range terminal.Safe(text) {
		if strings.ContainsRune("\\`*_{}[]()<>#+!|~&@:", r) {
			fmt.Fprintf(&out, "&#%d;", r)
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}
