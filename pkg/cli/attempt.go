package cli

import (
	"strconv"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// attemptRow is an attempt to deliver as it is printed.
type attemptRow struct {
	Event           string  `json:"event"`
	ObjectID        int64   `json:"objectId"`
	SubscriptionID  int64   `json:"subscriptionId"`
	TargetURL       string  `json:"targetUrl"`
	IdempotencyKey  string  `json:"idempotencyKey"`
	Attempt         int     `json:"attempt"` // from 1
	Delivered       bool    `json:"delivered"`
	HTTPStatus      int     `json:"httpStatus"` // 0 where nobody answered
	DurationSeconds float64 `json:"durationSeconds"`
	Answer          string  `json:"answer"` // its beginning
	Error           string  `json:"error"`  // why there is no answer
}

func (a *App) attempted(t sandbox.Attempt) attemptRow {
	row := attemptRow{
		Event: t.Event, ObjectID: t.ObjectID, SubscriptionID: t.SubscriptionID, TargetURL: a.target(t.Target), IdempotencyKey: t.Key,
		Attempt: t.Number, Delivered: t.Delivered,
	}
	row.answered(t.Answer, t.Err)
	return row
}

// answered adds what the receiver said, or why it said nothing.
func (r *attemptRow) answered(answer webhook.Answer, err error) {
	r.HTTPStatus, r.DurationSeconds, r.Answer = answer.Status, answer.Duration.Seconds(), beginning(answer.Body)
	if err != nil {
		r.Error = err.Error()
	}
}

// beginning returns as much of an answer as says what it is about.
func beginning(answer []byte) string {
	const enough = 200
	text := strings.TrimSpace(strings.ToValidUTF8(string(answer[:min(len(answer), enough)]), ""))
	return strings.Join(strings.Fields(text), " ")
}

func (r attemptRow) outcome() string {
	if r.Error != "" {
		return r.Error
	}
	return strings.TrimSpace(strconv.Itoa(r.HTTPStatus) + " " + r.Answer)
}

func attemptTable() output.Table[attemptRow] {
	type r = attemptRow
	return output.Table[r]{
		ID: func(v r) string { return v.IdempotencyKey },
		Columns: []output.Column[r]{
			{Name: "event", Title: "EVENT", Text: func(v r) string { return v.Event }},
			{Name: "objectId", Title: "OBJECT", Text: func(v r) string { return strconv.FormatInt(v.ObjectID, 10) }},
			{Name: "subscriptionId", Title: "SUBSCRIPTION", Text: func(v r) string { return strconv.FormatInt(v.SubscriptionID, 10) }},
			{Name: "delivered", Title: "DELIVERED", Text: func(v r) string { return strconv.FormatBool(v.Delivered) }, Style: func(v r) terminal.Style { return goodIf(v.Delivered) }},
			{Name: "outcome", Title: "ANSWER", Text: r.outcome, Shrinks: true},
			{Name: "durationSeconds", Title: "TIME", Text: func(v r) string { return milliseconds(v.DurationSeconds) }},
			{Name: "targetUrl", Title: "TARGET", Text: func(v r) string { return v.TargetURL }, Shrinks: true},
			{Name: "idempotencyKey", Title: "IDEMPOTENCY KEY", Text: func(v r) string { return v.IdempotencyKey }, Detail: true},
		},
	}
}

func goodIf(good bool) terminal.Style {
	if good {
		return terminal.Good
	}
	return terminal.Bad
}

// milliseconds shows a short time.
func milliseconds(seconds float64) string {
	return strconv.FormatFloat(seconds*1000, 'f', 1, 64) + "ms"
}
