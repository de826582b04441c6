package receiver

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/sender"
)

// StoredDelivery is a delivery of the journal in the shape in which commands print it.
type StoredDelivery struct {
	ID             int64         `json:"id"`
	Received       time.Time     `json:"received"`
	Event          string        `json:"event"`
	ObjectID       int64         `json:"objectId"`
	SubscriptionID int64         `json:"subscriptionId"`
	State          journal.State `json:"state"`
	Attempts       int           `json:"attempts"`
	// FirstAttemptTime and LastAttempt are absent where there was no attempt.
	FirstAttemptTime time.Time           `json:"firstAttemptTime,omitzero"`
	LastAttempt      *sender.HTTPAttempt `json:"lastAttempt,omitempty"`
	IdempotencyKey   string              `json:"idempotencyKey"`
	// Altered means that another body came under the same key before.
	Altered bool `json:"altered"`
	// Backfill means that it replaces a delivery that Tripletex skipped.
	Backfill bool `json:"backfill"`
	// Unreadable means that its value is not valid JSON.
	Unreadable bool `json:"unreadable"`
	// Outdated means that an earlier delivery had a higher version of the object. It may take ten seconds to show.
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

// lastAttempt returns what the journal knows of the last attempt, or nil where there was none.
func lastAttempt(e journal.Entry) *sender.HTTPAttempt {
	if e.Attempts == 0 {
		return nil
	}
	return &sender.HTTPAttempt{Attempt: e.Attempts, Time: e.LastAttempt, HTTPStatus: max(0, e.Status), Error: e.Outcome}
}

// DeliveryDetails is a stored delivery with what was received.
type DeliveryDetails struct {
	StoredDelivery
	ContentType string `json:"contentType"`
	Signature   string `json:"signature"`
	// SourceAddress is the address and port that the delivery came from: of the last proxy, if there is one.
	SourceAddress string `json:"sourceAddress,omitempty"`
	// Headers are all headers of the request, with secrets masked.
	Headers http.Header `json:"headers"`
	// AttemptHistory has the first attempt and the latest nine, the oldest first. 512 bytes of an answer are kept.
	AttemptHistory []sender.HTTPAttempt `json:"attemptHistory"`
	// Body is JSON if the received body is, else a string.
	Body any `json:"body"`
}

// NewDeliveryDetails returns the shape of an entry with its body and the attempts that are kept of it.
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

// allHeaders returns the headers of a delivery, with those that have fields of their own.
func allHeaders(e journal.Entry) http.Header {
	all := http.Header{}
	for i, value := range []string{e.ContentType, e.Key, e.Signature} {
		if value != "" {
			all.Set(ownFields()[i], value)
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

// ReplayResult is the result of a replayed delivery in the shape in which commands print it.
type ReplayResult struct {
	ID       int64  `json:"id"`
	Event    string `json:"event"`
	ObjectID int64  `json:"objectId"`
	// Result is forwarded, failed or skipped.
	Result string `json:"result"`
	// The body is given where the app did not accept the delivery.
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

// EventRecord is an event of a delivery in the shape in which commands print it.
type EventRecord struct {
	Kind           Kind   `json:"kind"`
	ID             int64  `json:"id,omitempty"`
	Event          string `json:"event,omitempty"`
	ObjectID       int64  `json:"objectId,omitempty"`
	SubscriptionID int64  `json:"subscriptionId,omitempty"`
	IdempotencyKey string `json:"idempotencyKey,omitempty"`
	Reason         Reason `json:"reason,omitempty"`
	App            string `json:"app,omitempty"`
	// HTTPAttempt is the attempt to forward it; of what is no attempt it has the time, and for what is rejected the error.
	sender.HTTPAttempt
	RetryAfterSeconds float64 `json:"retryAfterSeconds,omitempty"`
}

// Record returns the shape of an event. Redact removes secrets from the answer and error of an app.
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

// HTTPAttempt returns an answer as the attempt of a number. Only an app that has not accepted the delivery is quoted.
func (a Answer) HTTPAttempt(number int) sender.HTTPAttempt {
	if a.Err == nil {
		return sender.NewHTTPAttempt(number, a.Status, a.Duration, nil, nil)
	}
	return sender.NewHTTPAttempt(number, a.Status, a.Duration, a.Body, a.Err)
}
