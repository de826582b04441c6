package receiver

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/wait"
)

// Line returns an event as one line of text, optionally colored. It is not truncated to a width, because the cause of a
// failure is at the end. Replay is the command that replays a dead delivery.
func (v EventRecord) Line(color bool, replay string) string {
	event, object := terminal.ClipName(terminal.Safe(v.Event)), strconv.FormatInt(v.ObjectID, 10)
	if v.Event == "" {
		event, object = "-", "-"
	}
	const before, after = 27, 36 // the columns of the kind
	at, about := terminal.LocalTime(v.Time), terminal.Clip(terminal.Safe(v.remark(replay)))
	text := fmt.Sprintf("%s  %-9s  %-24s %10s  %s", at, v.Kind, event, object, about)
	text = strings.TrimRight(text, " ")
	if color {
		text = text[:before] + v.Kind.style().Paint(text[before:after]) + text[after:]
	}
	return text
}

func (v EventRecord) remark(replay string) string {
	took := wait.Text(time.Duration(v.DurationSeconds * float64(time.Second)).Round(100 * time.Microsecond))
	again := wait.Text(time.Duration(v.RetryAfterSeconds * float64(time.Second)).Round(time.Second))
	switch v.Kind {
	case KindForwarded:
		return fmt.Sprintf("%d in %s", v.HTTPStatus, took)
	case KindFailed:
		return fmt.Sprintf("%s in %s; again in %s", v.Error, took, again)
	case KindDead:
		return fmt.Sprintf("%s; not tried again: %s", v.Error, replay)
	case KindAltered:
		return "another body came under the same key before"
	default:
		return v.Error
	}
}

func (k Kind) style() terminal.Style {
	switch k {
	case KindReceived, KindForwarded:
		return terminal.Good
	case KindRejected, KindDead:
		return terminal.Bad
	case KindFailed, KindAltered:
		return terminal.Warning
	default:
		return terminal.Faint
	}
}
