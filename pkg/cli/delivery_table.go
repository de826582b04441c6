package cli

import (
	"encoding/json"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/receiver"
	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// storedDelivery is a delivery of the journal as it is printed.
type storedDelivery struct {
	ID             int64         `json:"id"`
	Received       time.Time     `json:"received"`
	Event          string        `json:"event"`
	ObjectID       int64         `json:"objectId"`
	SubscriptionID int64         `json:"subscriptionId"`
	State          journal.State `json:"state"`
	Attempts       int           `json:"attempts"`
	// FirstAttemptTime and LastAttempt are absent where there was no attempt.
	FirstAttemptTime time.Time             `json:"firstAttemptTime,omitzero"`
	LastAttempt      *receiver.HTTPAttempt `json:"lastAttempt,omitempty"`
	IdempotencyKey   string                `json:"idempotencyKey"`
	// Altered tells that another body came under the same key before.
	Altered bool `json:"altered"`
	// Backfill tells that it stands for a delivery that Tripletex has skipped.
	Backfill bool `json:"backfill"`
}

func newStoredDelivery(e journal.Entry) storedDelivery {
	return storedDelivery{
		ID: e.ID, Received: e.Received, Event: e.Event, ObjectID: e.ObjectID, SubscriptionID: e.SubscriptionID,
		State: e.State, Attempts: e.Attempts, FirstAttemptTime: e.FirstAttempt, LastAttempt: lastAttempt(e),
		IdempotencyKey: e.Key, Altered: e.Altered, Backfill: e.Backfill,
	}
}

// lastAttempt returns what the journal knows of the last attempt, or nil where there was none.
func lastAttempt(e journal.Entry) *receiver.HTTPAttempt {
	if e.Attempts == 0 {
		return nil
	}
	return &receiver.HTTPAttempt{Attempt: e.Attempts, Time: e.LastAttempt, HTTPStatus: max(0, e.Status), Error: e.Outcome}
}

// storedDeliveries returns entries as they are printed.
func storedDeliveries(entries iter.Seq2[journal.Entry, error]) iter.Seq2[storedDelivery, error] {
	return func(yield func(storedDelivery, error) bool) {
		for e, err := range entries {
			if !yield(newStoredDelivery(e), err) {
				return
			}
		}
	}
}

// deliveryDetails is a delivery with all that came.
type deliveryDetails struct {
	storedDelivery
	ContentType string `json:"contentType"`
	Signature   string `json:"signature"`
	// Body is what came: as JSON where it is JSON, else as text.
	Body any `json:"body"`
}

func newDeliveryDetails(e journal.Entry) deliveryDetails {
	d := deliveryDetails{newStoredDelivery(e), e.ContentType, e.Signature, string(e.Body)}
	if json.Valid(e.Body) {
		d.Body = json.RawMessage(e.Body)
	}
	return d
}

func deliveryTable() output.Table[storedDelivery] {
	type d = storedDelivery
	return output.TableOf([]output.Column[d]{
		{Name: "id"},
		{Name: "received"},
		{Name: "event", Shrinks: true},
		{Name: "objectId", Title: "OBJECT"},
		{Name: "state", Style: func(v d) terminal.Style { return stateStyle(v.State) }},
		{Name: "attempts", Detail: true},
		{Name: "lastOutcome", Text: lastOutcome, Shrinks: true},
		{Name: "lastAttempt", Text: lastAttemptTime, Detail: true},
		{Name: "subscriptionId", Title: "SUBSCRIPTION", Detail: true},
		{Name: "idempotencyKey", Title: "KEY", Detail: true},
		{Name: "altered", Detail: true},
		{Name: "backfill", Detail: true},
	})
}

func stateStyle(s journal.State) terminal.Style {
	switch s {
	case journal.Forwarded:
		return terminal.Good
	case journal.Pending:
		return terminal.Warning
	default:
		return terminal.Bad
	}
}

// lastOutcome returns the error of the last attempt, else its status.
func lastOutcome(d storedDelivery) string {
	switch {
	case d.LastAttempt == nil:
		return ""
	case d.LastAttempt.Error != "":
		return d.LastAttempt.Error
	default:
		return strconv.Itoa(d.LastAttempt.HTTPStatus)
	}
}

func lastAttemptTime(d storedDelivery) string {
	if d.LastAttempt == nil {
		return ""
	}
	return d.LastAttempt.Time.Format(time.RFC3339)
}

func deliveryDetailsTable() output.Table[deliveryDetails] {
	table := output.Part(deliveryTable(), func(v *deliveryDetails) *storedDelivery { return &v.storedDelivery })
	more := output.Columns([]output.Column[deliveryDetails]{{Name: "contentType"}, {Name: "signature"}})
	last := len(table.Columns) - 1 // "backfill" was added later, and stays behind
	table.Columns = slices.Insert(table.Columns, last, more...)
	return table
}
