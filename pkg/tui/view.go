package tui

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/health"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

const (
	// maxChanges and maxMessages limit the history.
	maxChanges  = 200
	maxMessages = 3
	// leastTable is the height of the table on the smallest screen, in lines.
	leastTable = 3
)

// view is the content of the screen.
type view struct {
	title    string
	redact   func(string) string // nil for none
	help     bool                // the keys are shown
	last     *health.Report      // nil before the first successful poll
	asked    time.Time
	outage   time.Time // start of the outage; zero if the last poll succeeded
	waiting  time.Time
	changes  []health.Transition
	messages []string
}

func (v *view) update(n health.Update) {
	v.waiting, v.outage = n.WaitingUntil, time.Time{}
	if n.Err != nil {
		v.outage = n.UnreachableSince
		return
	}
	if n.Report != nil {
		v.last, v.asked = n.Report, n.At
	}
	v.changes = newest(append(v.changes, n.Transitions...), maxChanges)
}

func (v *view) addMessage(line string) { v.messages = newest(append(v.messages, line), maxMessages) }

// newest returns the last items in a new slice, so that older ones can be freed.
func newest[T any](all []T, most int) []T {
	if len(all) <= most {
		return all
	}
	return slices.Clone(all[len(all)-most:])
}

// clock is the layout of times of today.
const clock = "15:04:05"

// lines returns the content in at most height lines. The terminal cuts long lines.
func (v *view) lines(width, height int, color bool) ([]string, error) {
	below := v.below(height, color)
	all := []string{v.headline(color), v.title, ""}
	if v.help {
		all = append(all, heading("Keys", color), "q, Ctrl-C  quit", "Ctrl-Z     suspend", "?          show or hide this help", "")
	}
	if v.last != nil {
		table, err := v.table(width, max(leastTable, height-len(all)-len(below)), color)
		if err != nil {
			return nil, err
		}
		all = append(all, table...)
	}
	all = append(all, below...)
	return all[:min(len(all), max(1, height))], nil
}

// headline returns the state and its time.
func (v *view) headline(color bool) string {
	state, rest := "POLLING", "first poll"
	style := terminal.Faint
	if v.last != nil {
		state, style = string(v.last.State), v.last.State.Style()
		rest = v.last.Summary + ", as of " + v.asked.Local().Format(clock)
	}
	if !v.outage.IsZero() {
		state, style = "UNREACHABLE", terminal.Bad
		rest = "since " + v.outage.Local().Format(clock)
		if v.last != nil {
			rest += "; last result: " + v.last.Summary
		}
	}
	if !v.waiting.IsZero() {
		rest += "; waiting for the rate limit until " + v.waiting.Local().Format(clock)
	}
	if color {
		state = style.Paint(state)
	}
	return state + "  " + rest
}

// table returns up to room lines of subscriptions, worst first.
func (v *view) table(width, room int, color bool) ([]string, error) {
	found := v.last.WorstFirst()
	rows := min(len(found), room-1) // one for the header
	if rows < len(found) {
		rows-- // and one for "and 3 more"
	}
	if len(found) == 0 {
		return nil, nil
	}
	var drawn bytes.Buffer
	to := terminal.Terminal{Out: &drawn, Width: width, Color: color, Redact: v.redact}
	printer, err := output.New(output.Options{Format: output.TableFormat}, &to)
	if err != nil {
		return nil, err
	}
	if err := output.List(context.Background(), printer, findingTable(v.last.Companies != nil), found[:rows]); err != nil {
		return nil, err
	}
	lines := strings.Split(drawn.String(), "\n")[:1+rows] // without the line about columns that do not fit
	if rest := len(found) - rows; rest > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", rest))
	}
	return lines, nil
}

// below returns the newest changes, at most a third of the screen, and messages.
func (v *view) below(height int, color bool) []string {
	var lines []string
	if room := max(1, height/3); len(v.changes) > 0 {
		lines = append(lines, "", heading("Changes", color))
		for _, t := range v.changes[max(0, len(v.changes)-room):] {
			lines = append(lines, Line(t, color))
		}
	}
	if room := max(1, height/8); len(v.messages) > 0 {
		lines = append(lines, "", heading("Messages", color))
		lines = append(lines, v.messages[max(0, len(v.messages)-room):]...)
	}
	return lines
}

func heading(text string, color bool) string {
	if color {
		return terminal.Bold.Paint(text)
	}
	return text
}

// findingTable returns the table of subscriptions, with the company if there are many.
func findingTable(many bool) output.Table[health.Finding] {
	type f = health.Finding
	id := func(v f) string {
		if v.ID == 0 { // an unreachable company
			return ""
		}
		return strconv.FormatInt(v.ID, 10)
	}
	table := output.Table[f]{
		ID: id,
		Columns: []output.Column[f]{
			{Name: "id", Title: "ID", Text: id},
			{Name: "event", Title: "EVENT", Text: func(v f) string { return v.Event }},
			{
				Name: "status", Title: "STATUS", Text: func(v f) string { return string(v.Status) },
				Style: func(v f) terminal.Style { return v.State.Style() },
			},
			{Name: "targetHost", Title: "TARGET HOST", Text: func(v f) string { return v.TargetHost }, Shrinks: true},
		},
	}
	if many {
		company := output.Column[f]{Name: "companyName", Title: "COMPANY", Text: func(v f) string { return v.Where() }, Shrinks: true}
		table.Columns = slices.Insert(table.Columns, 0, company)
	}
	return table
}
