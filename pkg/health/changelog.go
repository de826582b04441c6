package health

import (
	"fmt"
	"time"

	"github.com/tlxhook/tlxhook/pkg/wait"
)

// maxNamed is how many companies are named for each event in a round: a network failure affects all of them.
const maxNamed = 10

// ChangeLog formats the company events of a watch as log lines.
type ChangeLog struct {
	round map[CompanyEvent]int // number of companies in this round
}

// Line is a log line about a company.
type Line struct {
	Event CompanyEvent
	Text  string
}

// Lines returns the log lines of an update: up to ten companies per event, and at the end of the round the number of
// omitted companies.
func (l *ChangeLog) Lines(u Update) []Line {
	if l.round == nil {
		l.round = map[CompanyEvent]int{}
	}
	var lines []Line
	for _, change := range u.Companies {
		if l.round[change.Event]++; l.round[change.Event] <= maxNamed {
			lines = append(lines, Line{change.Event, change.text(u.At)})
		}
	}
	if !u.RoundDone {
		return lines
	}
	for _, event := range []CompanyEvent{CompanyUnreachable, CompanyRecovered, CompanyAdded, CompanyRemoved} {
		if more := l.round[event] - maxNamed; more > 0 {
			lines = append(lines, Line{event, fmt.Sprintf("and %d more %s", more, event.participle())})
		}
	}
	l.round = nil
	return lines
}

func (c CompanyChange) text(at time.Time) string {
	text := c.Company.Label() + " " + c.Event.participle()
	switch c.Event {
	case CompanyUnreachable:
		return fmt.Sprintf("%s: %v", text, c.Err)
	case CompanyRecovered:
		return fmt.Sprintf("%s after %s", text, wait.Text(at.Sub(c.Since).Round(time.Second)))
	default:
		return text
	}
}

// participle returns the word that follows the name of a company in a log line.
func (e CompanyEvent) participle() string {
	switch e {
	case CompanyRecovered:
		return "recovered"
	case CompanyAdded:
		return "added"
	case CompanyRemoved:
		return "removed"
	default:
		return "unreachable"
	}
}
