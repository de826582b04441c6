package receiver

import (
	"fmt"
	"sync"
	"time"
)

const (
	// rejectionPeriod is the period over which rejections for one reason are summed up.
	rejectionPeriod = time.Minute
	// rejectionsShown is the number of rejections per period that are reported individually.
	rejectionsShown = 10
)

// rejections reports the first rejections for a reason individually, and the others as one event at the end of the
// period.
type rejections struct {
	report func(DeliveryEvent)
	mu     sync.Mutex
	counts map[Reason]int
}

func newRejections(report func(DeliveryEvent)) *rejections {
	return &rejections{report: report, counts: map[Reason]int{}}
}

func (s *rejections) add(e DeliveryEvent) {
	s.mu.Lock()
	s.counts[e.Reason]++
	n := s.counts[e.Reason]
	if n == 1 {
		time.AfterFunc(rejectionPeriod, func() { s.sumUp(e.Reason) })
	}
	s.mu.Unlock()
	if n <= rejectionsShown {
		s.report(e)
	}
}

// sumUp ends the period of a reason.
func (s *rejections) sumUp(reason Reason) {
	s.mu.Lock()
	more := s.counts[reason] - rejectionsShown
	delete(s.counts, reason)
	s.mu.Unlock()
	if more > 0 {
		s.report(DeliveryEvent{
			Time: time.Now(), Kind: KindRejected, Reason: reason, Count: more,
			Message: fmt.Sprintf("%d more requests were rejected within a minute (%s)", more, reason),
		})
	}
}

// flush ends the periods of all reasons.
func (s *rejections) flush() {
	for _, reason := range Reasons() {
		s.sumUp(reason)
	}
}
