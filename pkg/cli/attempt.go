package cli

import (
	"strconv"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// attemptRow is an attempt to deliver a sample.
type attemptRow struct {
	Event          string `json:"event"`
	ObjectID       int64  `json:"objectId"`
	SubscriptionID int64  `json:"subscriptionId"`
	TargetURL      string `json:"targetUrl"`
	IdempotencyKey string `json:"idempotencyKey"`
	Delivered      bool   `json:"delivered"`
	receiver.HTTPAttempt
}

func (a *App) attempted(t sandbox.Attempt) attemptRow {
	return attemptRow{
		Event: t.Event, ObjectID: t.ObjectID, SubscriptionID: t.SubscriptionID, TargetURL: a.target(t.Target), IdempotencyKey: t.Key,
		Delivered:   t.Delivered,
		HTTPAttempt: receiver.NewHTTPAttempt(t.Number, t.Answer.Status, t.Answer.Duration, t.Answer.Body, t.Err),
	}
}

// outcome is the error, or the status and the beginning of the body in one line.
func (r attemptRow) outcome() string {
	if r.Error != "" {
		return r.Error
	}
	const most = 200 // bytes
	body := strings.ToValidUTF8(r.Body[:min(len(r.Body), most)], "")
	return strings.Join(append([]string{strconv.Itoa(r.HTTPStatus)}, strings.Fields(body)...), " ")
}

func attemptTable() output.Table[attemptRow] {
	type r = attemptRow
	table := output.TableOf([]output.Column[r]{
		{Name: "event"},
		{Name: "objectId", Title: "OBJECT"},
		{Name: "subscriptionId", Title: "SUBSCRIPTION"},
		{Name: "delivered", Style: func(v r) terminal.Style { return goodIf(v.Delivered) }},
		{Name: "outcome", Title: "ANSWER", Text: r.outcome, Shrinks: true},
		{Name: "durationSeconds", Title: "TIME", Text: func(v r) string { return milliseconds(v.DurationSeconds) }},
		{Name: "targetUrl", Title: "TARGET", Shrinks: true},
		{Name: "idempotencyKey", Detail: true},
	})
	table.ID = func(v r) string { return v.IdempotencyKey }
	return table
}

func goodIf(good bool) terminal.Style {
	if good {
		return terminal.Good
	}
	return terminal.Bad
}

// milliseconds shows a short time; empty where there was no attempt.
func milliseconds(seconds float64) string {
	if seconds == 0 {
		return ""
	}
	return strconv.FormatFloat(seconds*1000, 'f', 1, 64) + "ms"
}
