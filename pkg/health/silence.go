package health

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/wait"
)

// Silence is a limit for the time without deliveries of an event, with the time of the last one.
type Silence struct {
	// Event may be a pattern.
	Event string        `json:"event"`
	Limit time.Duration `json:"-"`
	// Last is when the last delivery came; zero without any.
	Last time.Time `json:"lastDelivery,omitzero"`
	// Err is the error of reading it.
	Err error `json:"-"`
}

var errSilence = errors.New("must be EVENT=TIME, such as 'order.*=48h'")

// ParseSilence parses "EVENT=TIME".
func ParseSilence(text string) (Silence, error) {
	event, limit, _ := strings.Cut(text, "=")
	d, err := time.ParseDuration(limit)
	if err != nil || d <= 0 || event == "" {
		return Silence{}, errSilence
	}
	return Silence{Event: event, Limit: d}, nil
}

// Exceeded reports whether the last delivery is older than the limit, or not known.
func (s Silence) Exceeded(now time.Time) bool { return s.Err != nil || now.Sub(s.Last) > s.Limit }

func (s Silence) state() State {
	if s.Err != nil {
		return Unknown
	}
	return Warning
}

// words describes the silence: its length, or why it is unknown.
func (s Silence) words(now time.Time) string {
	switch {
	case s.Err != nil:
		return "not known: " + s.Err.Error()
	case s.Last.IsZero():
		return "silent, with no delivery stored"
	default:
		return "silent for " + wait.Text(now.Sub(s.Last).Round(time.Minute))
	}
}

// AddSilences adds the events whose silence is too long, as a warning each. A report without a result is not changed.
func (r *Report) AddSilences(all []Silence, now time.Time) {
	if r.Problem != nil {
		return
	}
	for _, s := range all {
		if s.Exceeded(now) {
			r.Silent = append(r.Silent, s)
			r.silent = append(r.silent, Issue{State: s.state(), Event: s.Event, Status: s.words(now)})
			r.conclude(Worst(r.State, s.state()), fmt.Sprintf("%s; %s %s", r.Summary, s.Event, s.words(now)))
		}
	}
}
