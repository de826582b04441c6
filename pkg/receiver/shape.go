package receiver

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/sender"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// StoredDelivery is a delivery of the journal, as printed in JSON.
type StoredDelivery struct {
	ID             int64         `json:"id"`
	Received       time.Time     `json:"received"`
	Event          string        `json:"event"`
	ObjectID       int64         `json:"objectId"`
	SubscriptionID int64         `json:"subscriptionId"`
	State          journal.State `json:"state"`
	Attempts       int           `json:"attempts"`
	// FirstAttemptTime and LastAttempt are absent without an attempt.
	FirstAttemptTime time.Time           `json:"firstAttemptTime,omitzero"`
	LastAttempt      *sender.HTTPAttempt `json:"lastAttempt,omitempty"`
	IdempotencyKey   string              `json:"idempotencyKey"`
	// Altered means that an earlier delivery had the same key and another body.
	Altered bool `json:"altered"`
	// Backfill means that the delivery replaces one that Tripletex did not send.
	Backfill bool `json:"backfill"`
	// Unreadable means that a part of the body is not valid JSON, or is repeated. An unreadable ID is 0.
	Unreadable bool `json:"unreadable"`
	// Outdated means that an earlier delivery had a higher version of the object. It is known after up to ten seconds.
	Outdated bool `json:"outdated"`
}

// NewStoredDelivery returns the shape of an entry.
func NewStoredDelivery(e journal.Entry) StoredDelivery {
	return StoredDelivery{
		ID: e.ID, Received: e.Received, Event: e.Event, ObjectID: e.ObjectID, SubscriptionID: e.SubscriptionID,
		State: e.State, Attempts: e.Attempts, FirstAttemptTime: e.FirstAttempt, LastAttempt: lastAttempt(e),
		IdempotencyKey: e.Key, Altered: e.Altered, Backfill: e.Backfill, Unreadable: e.Unreadable, Outdated: e.Outdated,
	}
}

// lastAttempt returns the last attempt; nil without one.
func lastAttempt(e journal.Entry) *sender.HTTPAttempt {
	if e.Attempts == 0 {
		return nil
	}
	return &sender.HTTPAttempt{Attempt: e.Attempts, Time: e.LastAttempt, HTTPStatus: max(0, e.Status), Error: e.Outcome}
}

// DeliveryDetails is a stored delivery with its request.
type DeliveryDetails struct {
	StoredDelivery
	ContentType string `json:"contentType"`
	Signature   string `json:"signature"`
	// SourceAddress is the address and port of the sender or of the last proxy.
	SourceAddress string `json:"sourceAddress,omitempty"`
	// Headers are all headers of the request, with secrets masked.
	Headers http.Header `json:"headers"`
	// AttemptHistory has the first attempt and the latest nine, oldest first, with 512 bytes of each answer.
	AttemptHistory []sender.HTTPAttempt `json:"attemptHistory"`
	// Body is JSON if the received body is valid JSON, otherwise a string.
	Body any `json:"body"`
}

// NewDeliveryDetails returns the shape of an entry with its body and its stored attempts.
func NewDeliveryDetails(e journal.Entry, attempts []journal.Attempt) DeliveryDetails {
	d := DeliveryDetails{
		StoredDelivery: NewStoredDelivery(e), ContentType: e.ContentType, Signature: e.Signature, SourceAddress: e.Source,
		Headers: allHeaders(e), AttemptHistory: make([]sender.HTTPAttempt, len(attempts)), Body: strings.ToValidUTF8(string(e.Body), "\ufffd"),
	}
	for i, a := range attempts {
		d.AttemptHistory[i] = sender.HTTPAttempt{
			Attempt: a.Number, Time: a.At, HTTPStatus: max(0, a.Status), DurationSeconds: a.Duration.Seconds(), Body: a.Answer, Error: a.Outcome,
		}
	}
	if json.Valid(e.Body) && !e.Unreadable {
		d.Body = json.RawMessage(e.Body)
	}
	return d
}

// allHeaders returns the headers of a delivery, including those in fields.
func allHeaders(e journal.Entry) http.Header {
	all := http.Header{}
	for name, value := range map[string]string{
		"Content-Type": e.ContentType, webhook.KeyHeader: e.Key, webhook.SignatureHeader: e.Signature,
	} {
		if value != "" {
			all.Set(name, value)
		}
	}
	maps.Copy(all, e.Header)
	return all
}

// The results of a replayed delivery.
const (
	ResultForwarded = "forwarded"
	ResultFailed    = "failed"
	ResultSkipped   = "skipped"
)

// ReplayResult is the result of a replayed delivery, as printed in JSON.
type ReplayResult struct {
	ID       int64  `json:"id"`
	Event    string `json:"event"`
	ObjectID int64  `json:"objectId"`
	// Result is forwarded, failed or skipped.
	Result string `json:"result"`
	// The body is given if the app did not accept the delivery.
	sender.HTTPAttempt
}

// Result returns the shape of a result.
func (r Replayed) Result() ReplayResult {
	row := ReplayResult{ID: r.Entry.ID, Event: r.Entry.Event, ObjectID: r.Entry.ObjectID, Result: ResultForwarded}
	switch {
	case r.Skipped:
		row.Result, row.Error = ResultSkipped, r.Answer.Err.Error()
	case r.Answer.Err != nil:
		row.Result, row.HTTPAttempt = ResultFailed, r.Answer.HTTPAttempt(r.Entry.Attempts+1)
	default:
		row.HTTPAttempt = r.Answer.HTTPAttempt(r.Entry.Attempts + 1)
	}
	return row
}

// EventRecord is an event of a delivery, as printed in JSON.
type EventRecord struct {
	Kind           Kind   `json:"kind"`
	ID             int64  `json:"id,omitempty"`
	Event          string `json:"event,omitempty"`
	ObjectID       int64  `json:"objectId,omitempty"`
	SubscriptionID int64  `json:"subscriptionId,omitempty"`
	IdempotencyKey string `json:"idempotencyKey,omitempty"`
	Reason         Reason `json:"reason,omitempty"`
	App            string `json:"app,omitempty"`
	// HTTPAttempt is the attempt to forward. Other events have only its time, and rejections its error.
	sender.HTTPAttempt
	RetryAfterSeconds float64 `json:"retryAfterSeconds,omitempty"`
}

// Record returns the shape of an event. Redact masks secrets in the answer and error of an app.
func (o DeliveryEvent) Record(redact func(string) string) EventRecord {
	shown := EventRecord{
		Kind: o.Kind, ID: o.ID, Event: o.Event, ObjectID: o.ObjectID, SubscriptionID: o.SubscriptionID, IdempotencyKey: o.Key, Reason: o.Reason,
		HTTPAttempt: sender.HTTPAttempt{Error: o.Message},
	}
	if o.Attempt > 0 {
		o.Answer.Body = []byte(redact(string(o.Answer.Body)))
		shown.HTTPAttempt, shown.App, shown.RetryAfterSeconds = o.Answer.HTTPAttempt(o.Attempt), o.App, o.Again.Seconds()
		shown.Error = redact(shown.Error)
	}
	shown.Time = o.Time.UTC()
	return shown
}

// HTTPAttempt returns an answer as a numbered attempt. The body is included only if the app did not accept the
// delivery.
func (a Answer) HTTPAttempt(number int) sender.HTTPAttempt {
	if a.Err == nil {
		return sender.NewHTTPAttempt(number, a.Status, a.Duration, nil, nil)
	}
	return sender.NewHTTPAttempt(number, a.Status, a.Duration, a.Body, a.Err)
}
