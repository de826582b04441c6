package receiver

import (
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

// Kind is the kind of a [DeliveryEvent].
type Kind string

// The kinds.
const (
	KindReceived  Kind = "received"  // stored
	KindDuplicate Kind = "duplicate" // already stored
	KindAltered   Kind = "altered"   // stored, and another body has the same key
	KindRejected  Kind = "rejected"  // not accepted
	KindForwarded Kind = "forwarded" // accepted by an app
	KindFailed    Kind = "failed"    // not accepted by an app; will be retried
	KindDead      Kind = "dead"      // not accepted by an app; will not be retried
	KindLoop      Kind = "loop"      // returned to this receiver, see [ErrLoop]; not an attempt
)

// DeliveryEvent is a change of a delivery's state: received, rejected, forwarded and so on.
type DeliveryEvent struct {
	Time time.Time
	Kind Kind
	// ID is the ID in the journal or stream; 0 for a rejected delivery.
	ID int64
	// Delivery is empty for a request rejected before verification. Its body may be missing.
	journal.Delivery
	// Reason is the reason for a rejection, Message its description.
	Reason  Reason
	Message string
	// Count is the number of rejections summed up; 0 for a single one.
	Count int
	// Attempt is the number of the attempt to forward to App, Answer its result, Again the pause before the next
	// attempt.
	Attempt int
	App     string
	Answer  Answer
	Again   time.Duration
}

// Reason is the reason for a rejection.
type Reason string

// The reasons.
const (
	ReasonSignature     Reason = "signature"
	ReasonMissingHeader Reason = "missing_header"
	ReasonBadKey        Reason = "bad_key"
	ReasonNotJSON       Reason = "not_json"
	ReasonTooLarge      Reason = "too_large"
	ReasonMethod        Reason = "method" // or path
	ReasonOverload      Reason = "overload"
	ReasonJournal       Reason = "journal"
	ReasonStream        Reason = "stream"
	ReasonTimeout       Reason = "timeout"
	ReasonLoop          Reason = "loop"
)

// Reasons returns every reason.
func Reasons() []Reason {
	return []Reason{
		ReasonSignature, ReasonMissingHeader, ReasonBadKey, ReasonNotJSON, ReasonTooLarge, ReasonMethod, ReasonOverload,
		ReasonJournal, ReasonStream, ReasonTimeout, ReasonLoop,
	}
}
