package cli

import (
	"time"

	"github.com/tlxhook/tlxhook/pkg/match"
)

// moment is the value of a flag with a time or an age.
type moment time.Time

func (m *moment) Type() string { return "TIME" }

func (m *moment) String() string {
	if time.Time(*m).IsZero() {
		return ""
	}
	return time.Time(*m).Format(time.RFC3339)
}

func (m *moment) Set(text string) error {
	at, err := match.Time(text, time.Now())
	*m = moment(at)
	return err
}
