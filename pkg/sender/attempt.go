package sender

import (
	"bytes"
	"strings"
	"time"
)

// MaxShownBody is how much of an answer a printed attempt shows, in bytes.
const MaxShownBody = 2 << 10

// HTTPAttempt is the JSON form of one attempt to deliver. Unknown fields are omitted.
type HTTPAttempt struct {
	Attempt int       `json:"attempt,omitempty"` // from 1
	Time    time.Time `json:"time,omitzero"`     // when it ended
	// HTTPStatus is the HTTP status, or the exit code of a program; 0 without an answer.
	HTTPStatus      int     `json:"httpStatus,omitempty"`
	DurationSeconds float64 `json:"durationSeconds,omitempty"`
	// Body is the beginning of the answer, at most 2 KiB. It is foreign text: make it safe before printing.
	Body string `json:"body,omitempty"`
	// Error is the reason why the delivery was not accepted; empty if it was.
	Error string `json:"error,omitempty"`
}

// NewHTTPAttempt returns the attempt of a number that has just ended. Its body is valid UTF-8.
func NewHTTPAttempt(number, status int, took time.Duration, body []byte, err error) HTTPAttempt {
	a := HTTPAttempt{
		Attempt: number, Time: time.Now().UTC(), HTTPStatus: max(0, status), DurationSeconds: took.Seconds(), Body: Beginning(body),
	}
	if err != nil {
		a.Error = err.Error()
	}
	return a
}

// Beginning returns the beginning of a body, without a character that is cut in two and without its last line end.
func Beginning(body []byte) string {
	body = bytes.TrimRight(body, "\r\n")
	text := strings.ToValidUTF8(string(body[:min(len(body), MaxShownBody+4)]), "\ufffd")
	return strings.ToValidUTF8(text[:min(len(text), MaxShownBody)], "")
}

// AttemptRecord is the JSON form of an attempt to send a delivery.
type AttemptRecord struct {
	Event          string `json:"event"`
	ObjectID       int64  `json:"objectId"`
	SubscriptionID int64  `json:"subscriptionId"`
	// TargetURL is masked.
	TargetURL      string `json:"targetUrl"`
	IdempotencyKey string `json:"idempotencyKey"`
	Delivered      bool   `json:"delivered"`
	HTTPAttempt
}
