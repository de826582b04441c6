package sandbox

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"time"

	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/sender"
)

// sending is a delivery in flight with its request.
type sending struct {
	delivery
	out     sender.Delivery
	timeout time.Duration
}

// queueKey identifies deliveries that are sent in order.
type queueKey struct{ subscription, object int64 }

func (d *delivery) queueKey() queueKey { return queueKey{d.Subscription, d.Object} }

// claim returns up to n due deliveries, one per queue key, and marks them as in flight.
func (s *State) claim(n int, now time.Time) []sending {
	var claimed []sending
	blocked := map[queueKey]bool{}
	for _, d := range s.Deliveries {
		switch {
		case len(claimed) >= n:
			return claimed
		case blocked[d.queueKey()]:
			continue
		case now.Before(d.Due):
			blocked[d.queueKey()] = d.InFlight || d.Attempts == 0 || s.Switches.is(switchRetryOrder, "wait")
			continue
		}
		if one, ok := s.start(d, now); ok {
			claimed = append(claimed, one)
			blocked[d.queueKey()] = true
		}
	}
	return claimed
}

// start marks a delivery as in flight, or returns false if its subscription is not active.
func (s *State) start(d *delivery, now time.Time) (sending, bool) {
	sub := s.subscription(d.Subscription)
	if sub == nil || sub.Status != statusActive {
		return sending{}, false
	}
	if d.Attempts > 0 && s.Switches.is(switchRetryBody, "latest") {
		if e, ok := findEvent(d.Event, s.Switches); ok {
			if latest := s.entity(e.kind, sub.Company, d.Object); latest != nil {
				d.write(s.envelope(sub, latest, d.Host))
			}
		}
	}
	d.InFlight, d.Due = true, now.Add(lease)
	s.dirty = true
	timeout, _ := time.ParseDuration(s.Switches.value(switchAnswerWithin)) // valid by the switch
	return sending{delivery: *d, out: s.outgoing(d, sub), timeout: timeout}, true
}

func (s *State) subscription(id int64) *subscription {
	i := slices.IndexFunc(s.Subscriptions, func(sub subscription) bool { return sub.ID == id })
	if i < 0 {
		return nil
	}
	return &s.Subscriptions[i]
}

// record stores the result of an attempt, and returns the attempt with Delivered and Retry set.
func (s *State) record(a Attempt, now time.Time) Attempt {
	a.Delivered = a.Err == nil && s.accepts(a.Answer.Status)
	i := slices.IndexFunc(s.Deliveries, func(d *delivery) bool { return d.Key == a.Key })
	sub := s.subscription(a.SubscriptionID)
	if i < 0 || sub == nil {
		return a // deleted or disabled meanwhile
	}
	d := s.Deliveries[i]
	s.dirty = true
	if errors.Is(a.Err, context.Canceled) { // at shutdown, not by the receiver
		d.InFlight, d.Due, a.Retry = false, now, now
		return a
	}
	if a.Delivered {
		sub.Failing = time.Time{}
		s.Deliveries = slices.Delete(s.Deliveries, i, i+1)
		return a
	}
	if waits := retryWaits(s.Switches); d.Attempts < len(waits) {
		a.Retry = now.Add(s.scaled(waits[d.Attempts]))
		d.Attempts, d.Due, d.InFlight = d.Attempts+1, a.Retry, false
		if s.Switches.is(switchRetryKey, "new") {
			d.Key = sender.NewKey()
		}
	} else {
		s.Deliveries = slices.Delete(s.Deliveries, i, i+1)
	}
	if sub.Failing.IsZero() {
		sub.Failing = now
	}
	return a
}

// disableFailing disables subscriptions that have failed for a week, and returns their IDs. Failed are the IDs of the
// subscriptions whose deliveries have just failed.
func (s *State) disableFailing(failed []int64, now time.Time) (disabled []int64) {
	for i := range s.Subscriptions {
		sub := &s.Subscriptions[i]
		if sub.Status != statusActive || sub.Failing.IsZero() || now.Sub(sub.Failing) < s.scaled(week) {
			continue
		}
		if s.Switches.is(switchDisabling, "clock") || slices.Contains(failed, sub.ID) {
			s.disable(sub, statusTooManyErrors)
			disabled = append(disabled, sub.ID)
		}
	}
	return disabled
}

// resume makes interrupted deliveries due and resets the start of failures, so that downtime does not count.
func (s *State) resume(now time.Time) {
	for _, d := range s.Deliveries {
		if d.InFlight {
			d.InFlight, d.Due = false, now
			s.dirty = true
		}
	}
	for i := range s.Subscriptions {
		if sub := &s.Subscriptions[i]; !sub.Failing.IsZero() {
			sub.Failing = now
			s.dirty = true
		}
	}
}

// decoded returns the decoded bytes of a base64 secret, and any other secret unchanged.
func decoded(key secret.Text) secret.Text {
	raw, err := base64.StdEncoding.DecodeString(key.Reveal())
	if err != nil {
		return key
	}
	return secret.Text(raw)
}
