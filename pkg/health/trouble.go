package health

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// Trouble is one thing that is wrong, as every format names it. Its texts are foreign.
type Trouble struct {
	State State
	ID    string // empty where there is none
	Event string
	// Status is what the service says, or that it lacks what a manifest or an id asks for, or has it otherwise.
	Status     string
	TargetHost string
	LastChange string
}

// What stands in the place of a status.
const (
	statusMissing = "MISSING"
	statusDiffers = "DIFFERS"
	statusNone    = "without status"
)

// Troubles returns everything that is wrong, the worst first, else in the order of the service.
func (r *Report) Troubles() []Trouble {
	var all []Trouble
	for _, f := range r.Subscriptions {
		if f.State != OK {
			all = append(all, f.trouble())
		}
	}
	for _, e := range r.Missing {
		all = append(all, e.trouble(Critical, statusMissing))
	}
	for _, e := range r.Drifting {
		all = append(all, e.trouble(Warning, statusDiffers))
	}
	slices.SortStableFunc(all, func(a, b Trouble) int { return b.State.severity() - a.State.severity() })
	return all
}

// statusWords returns a status as it is shown.
func statusWords(status tripletex.Status) string { return words(cmp.Or(string(status), statusNone)) }

// trouble names a finding, which may also be one that is well.
func (f Finding) trouble() Trouble {
	return Trouble{
		State: f.State, ID: strconv.FormatInt(f.ID, 10), Event: f.Event, Status: cmp.Or(string(f.Status), statusNone),
		TargetHost: f.TargetHost, LastChange: f.LastChange,
	}
}

func (e Entry) trouble(state State, status string) Trouble {
	t := Trouble{State: state, Event: e.Event, Status: status, TargetHost: e.TargetHost}
	if e.ID != 0 {
		t.ID = strconv.FormatInt(e.ID, 10)
	}
	return t
}

// short names a trouble in one line of plain text: id, event and what is wrong.
func (t Trouble) short() string { return words(t.ID, t.Event, t.Status) }

// long is short with the host of the target behind.
func (t Trouble) long() string { return words(t.ID, t.Event, t.Status, t.TargetHost) }

// longest is how many bytes of a name are shown: the service allows events of 255 characters.
const longest = 80

func words(all ...string) string {
	var kept []string
	for _, word := range all {
		if word != "" {
			kept = append(kept, cut(plain(word), longest))
		}
	}
	return strings.Join(kept, " ")
}

// plain makes foreign text safe for the one-line formats of monitors: a control character could end the line, and
// a "|" would begin performance data.
func plain(text string) string { return strings.ReplaceAll(terminal.Safe(text), "|", `\u{7c}`) }

// cut shortens text to at most limit bytes, and shows it.
func cut(text string, limit int) string {
	const mark = "..."
	if len(text) <= limit {
		return text
	}
	end := max(0, limit-len(mark))
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + mark
}

// listed joins as many of the items as fit into limit bytes, and says how many did not.
func listed(items []string, limit int) string {
	var text strings.Builder
	for i, item := range items {
		separator := ""
		if i > 0 {
			separator = ", "
		}
		rest := ", and " + strconv.Itoa(len(items)-i-1) + " more"
		if i == len(items)-1 {
			rest = ""
		}
		if text.Len()+len(separator)+len(item)+len(rest) > limit {
			if i > 0 {
				return text.String() + ", and " + strconv.Itoa(len(items)-i) + " more"
			}
			return ""
		}
		text.WriteString(separator + item)
	}
	return text.String()
}
