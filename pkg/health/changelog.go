package health

import (
	"fmt"
	"time"
)

// maxNamed is how many companies are named for each event in a round: a network failure affects all of them.
const maxNamed = 10

// ChangeLog makes log lines of what happens to companies.
type ChangeLog struct {
	round map[CompanyEvent]int // companies in this round
}

// Line is a log line about a company.
type Line struct {
	Event CompanyEvent
	Text  string
}

// Lines returns the log lines of an update: up to ten companies for each event, and at the end of the round the number
// of the others.
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
			lines = append(lines, Line{event, fmt.Sprintf("and %s more %s", companies(more), event.words())})
		}
	}
	l.round = nil
	return lines
}

func (c CompanyChange) text(at time.Time) string {
	text := c.Company.Label() + " " + c.Event.words()
	switch c.Event {
	case CompanyUnreachable:
		return fmt.Sprintf("%s: %v", text, c.Err)
	case CompanyRecovered:
		return fmt.Sprintf("%s after %s", text, at.Sub(c.Since).Round(time.Second))
	default:
		return text
	}
}

// words returns the event as the predicate of a sentence about a company.
func (e CompanyEvent) words() string {
	switch e {
	case CompanyRecovered:
		return "can be asked again"
	case CompanyAdded:
		return "is reached now"
	case CompanyRemoved:
		return "is not reached any more"
	default:
		return "cannot be asked"
	}
}
