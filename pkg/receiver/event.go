package receiver

import (
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

// Kind is what has happened to a delivery.
type Kind string

// The kinds.
const (
	KindReceived  Kind = "received"  // it is stored
	KindDuplicate Kind = "duplicate" // it was stored already
	KindAltered   Kind = "altered"   // it is stored, and another one with the same key and another body too
	KindRejected  Kind = "rejected"  // it was not accepted
	KindForwarded Kind = "forwarded" // an app has accepted it
	KindFailed    Kind = "failed"    // an app has not accepted it; it is tried again
	KindDead      Kind = "dead"      // an app has not accepted it; it is not tried again
	KindLoop      Kind = "loop"      // it came back to this receiver, see [ErrLoop]; that is no attempt
)

// DeliveryEvent is one step in the life of a delivery: received, rejected, forwarded and so on.
type DeliveryEvent struct {
	Time time.Time
	Kind Kind
	// ID is of the delivery in the journal or the stream; 0 for one that was rejected.
	ID int64
	// Delivery is empty for one that was rejected before it was verified. Its body may be missing.
	journal.Delivery
	// Reason is why a delivery was rejected, and Message the same as text.
	Reason  Reason
	Message string
	// Count is how many rejections the event sums up; 0 for one.
	Count int
	// Attempt counts the tries to forward it to App; Answer is what became of the last, and Again after how long the
	// next one is.
	Attempt int
	App     string
	Answer  Answer
	Again   time.Duration
}

// Reason is why a delivery was rejected.
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
