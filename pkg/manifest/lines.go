package manifest

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// Line is a line of a plan for a person. Mark is '+' for a create, '~' for an update, '-' for a delete, '!' for a
// note, and ' ' for a detail of the line before.
type Line struct {
	Mark rune
	Text string
}

// Lines returns the plan for a person: each change with its reasons, then the notes.
func (p Plan) Lines() []Line {
	marks := map[Action]rune{Create: '+', Update: '~', Delete: '-'}
	lines := make([]Line, 0, 3*len(p.Changes))
	for _, c := range p.Changes {
		lines = append(lines, Line{marks[c.Action], subject(c.ID, c.Event, c.TargetURL)})
		for _, r := range c.Reasons {
			lines = append(lines, Line{' ', "    " + r.words(c.Action)})
		}
	}
	for _, n := range p.Notes {
		lines = append(lines, Line{'!', subject(n.ID, n.Event, n.TargetURL)}, Line{' ', "    " + printable(n.About)})
	}
	return lines
}

func subject(id int64, event, target string) string {
	text := printable(event) + " to " + printable(target)
	if id == 0 {
		return text
	}
	return strconv.FormatInt(id, 10) + " " + text
}

// words returns a reason as text, such as "status: DISABLED → ACTIVE".
func (r Reason) words(action Action) string {
	if r.Field == "" {
		return printable(r.Why)
	}
	before, after := r.Old, r.New
	if r.Field == "fields" {
		before, after = orAll(before), orAll(after)
	}
	text := r.Field + ": " + printable(after)
	if before != "" && action != Create {
		text = fmt.Sprintf("%s: %s → %s", r.Field, printable(before), printable(after))
	}
	if r.Why != "" {
		text += " (" + r.Why + ")"
	}
	return text
}

func orAll(fields string) string {
	if fields == "" {
		return "all"
	}
	return fields
}

// printable quotes text with unprintable characters.
func printable(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(text)
	}
	return text
}

// Text returns lines as text for a terminal, in color if it has any.
func Text(lines []Line, color bool) string {
	styles := map[rune]terminal.Style{'+': terminal.Good, '~': terminal.Warning, '-': terminal.Bad, '!': terminal.Bold}
	var text strings.Builder
	for _, line := range lines {
		shown := terminal.Safe(string(line.Mark) + " " + line.Text)
		if color {
			shown = styles[line.Mark].Paint(shown)
		}
		text.WriteString(shown)
		text.WriteByte('\n')
	}
	return text.String()
}

// Group is a number of plans with the same lines. First is the index of the first one.
type Group struct {
	First, Count int
	Lines        []Line
}

// Groups groups plans by their lines, in the order of the first plan of each group.
func Groups(plans []Plan) []*Group {
	var groups []*Group
	byText := map[string]*Group{}
	for i, p := range plans {
		lines := p.Lines()
		text := Text(lines, false)
		if byText[text] == nil {
			byText[text] = &Group{First: i, Lines: lines}
			groups = append(groups, byText[text])
		}
		byText[text].Count++
	}
	return groups
}

// Limits of a Markdown summary. GitHub refuses a comment above 65,536 characters.
const (
	maxMarkdown      = 60_000
	maxMarkdownLines = 1000
)

// Markdown returns the plan as a summary for a pull request. Foreign text is inside a code block with a longer fence
// than any in the text, so that it cannot become a link, a mention or a heading.
func (p Plan) Markdown() string {
	var text strings.Builder
	fmt.Fprintf(&text, "### Tripletex webhooks: %s\n", p.Summary())
	lines := p.Lines()
	if len(lines) == 0 {
		return text.String()
	}
	var block strings.Builder
	shown := 0
	for _, line := range lines {
		if shown == maxMarkdownLines || block.Len()+len(line.Text) > maxMarkdown {
			break
		}
		fmt.Fprintf(&block, "%c %s\n", line.Mark, line.Text)
		shown++
	}
	fence := "```"
	for strings.Contains(block.String(), fence) {
		fence += "`"
	}
	fmt.Fprintf(&text, "\n%sdiff\n%s%s\n", fence, block.String(), fence)
	if more := len(lines) - shown; more > 0 {
		fmt.Fprintf(&text, "\nand %d more lines\n", more)
	}
	return text.String()
}
