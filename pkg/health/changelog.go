package health

import (
	"fmt"
	"time"
)

// mostNamed is how many companies are named in a round for each thing that may befall them: where the network fails
// it befalls all.
const mostNamed = 10

// ChangeLog says in lines what befalls companies.
type ChangeLog struct {
	round map[CompanyEvent]int // how many in this round
}

// Line is one of a changeLog.
type Line struct {
	Event CompanyEvent
	Text  string
}

// Lines returns what is to be said of the news: ten companies for each thing that befell some, and at the end of the
// round how many more there were.
func (b *ChangeLog) Lines(n Update) []Line {
	if b.round == nil {
		b.round = map[CompanyEvent]int{}
	}
	var lines []Line
	for _, one := range n.Companies {
		if b.round[one.Event]++; b.round[one.Event] <= mostNamed {
			lines = append(lines, Line{one.Event, one.say(n.At)})
		}
	}
	if !n.Whole {
		return lines
	}
	for _, event := range []CompanyEvent{CompanyUnreachable, CompanyRecovered, CompanyAdded, CompanyRemoved} {
		if more := b.round[event] - mostNamed; more > 0 {
			lines = append(lines, Line{event, fmt.Sprintf("and %s more %s", companies(more), event.words())})
		}
	}
	b.round = nil
	return lines
}

func (c CompanyChange) say(at time.Time) string {
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

// words says what befell, behind the name of a company.
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
