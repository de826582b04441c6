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

// This file says which delivery is sent when, and what follows from how it went.

// sending is a delivery under way.
type sending struct {
	delivery
	out     sender.Delivery
	timeout time.Duration
}

// subject is what deliveries have in common that are sent one after the other.
type subject struct{ subscription, object int64 }

func (d *delivery) subject() subject { return subject{d.Subscription, d.Object} }

// take returns up to n deliveries that are to be sent now, one for each object of a subscription, and marks them
// as under way.
func (s *State) take(n int, now time.Time) []sending {
	var taken []sending
	held := map[subject]bool{}
	for _, d := range s.Deliveries {
		switch {
		case len(taken) >= n:
			return taken
		case held[d.subject()]:
			continue
		case now.Before(d.Due):
			held[d.subject()] = d.UnderWay || d.Attempts == 0 || s.Switches.is(switchRetryOrder, "wait")
			continue
		}
		if one, ok := s.start(d, now); ok {
			taken = append(taken, one)
			held[d.subject()] = true
		}
	}
	return taken
}

// start marks a delivery as under way, unless its subscription is not active.
func (s *State) start(d *delivery, now time.Time) (sending, bool) {
	sub := s.subscription(d.Subscription)
	if sub == nil || sub.Status != statusActive {
		return sending{}, false
	}
	if d.Attempts > 0 && s.Switches.is(switchRetryBody, "latest") {
		if e, ok := findEvent(d.Event, s.Switches); ok {
			if latest := s.entity(e.kind, sub.Company, d.Object); latest != nil {
				d.Body = s.envelope(sub, latest, d.Host)
			}
		}
	}
	d.UnderWay, d.Due = true, now.Add(lease)
	s.dirty = true
	timeout, _ := time.ParseDuration(s.Switches.value(switchAnswerWithin)) // a value of the switch
	return sending{delivery: *d, out: s.outgoing(d, sub), timeout: timeout}, true
}

func (s *State) subscription(id int64) *subscription {
	i := slices.IndexFunc(s.Subscriptions, func(sub subscription) bool { return sub.ID == id })
	if i < 0 {
		return nil
	}
	return &s.Subscriptions[i]
}

// record keeps what came of an attempt, and returns it with what follows.
func (s *State) record(a Attempt, now time.Time) Attempt {
	a.Delivered = a.Err == nil && s.accepts(a.Answer.Status)
	i := slices.IndexFunc(s.Deliveries, func(d *delivery) bool { return d.Key == a.Key })
	sub := s.subscription(a.SubscriptionID)
	if i < 0 || sub == nil {
		return a // deleted or switched off meanwhile
	}
	d := s.Deliveries[i]
	s.dirty = true
	if errors.Is(a.Err, context.Canceled) { // by the end of the program, not by the receiver
		d.UnderWay, d.Due, a.Retry = false, now, now
		return a
	}
	if a.Delivered {
		sub.Failing = time.Time{}
		s.Deliveries = slices.Delete(s.Deliveries, i, i+1)
		return a
	}
	if waits := retryWaits(s.Switches); d.Attempts < len(waits) {
		a.Retry = now.Add(s.scaled(waits[d.Attempts]))
		d.Attempts, d.Due, d.UnderWay = d.Attempts+1, a.Retry, false
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

// sweep switches off the subscriptions to which every delivery has failed for a week, and returns their ids.
// Failed are the subscriptions of deliveries that failed just now.
func (s *State) sweep(failed []int64, now time.Time) (off []int64) {
	for i := range s.Subscriptions {
		sub := &s.Subscriptions[i]
		if sub.Status != statusActive || sub.Failing.IsZero() || now.Sub(sub.Failing) < s.scaled(week) {
			continue
		}
		if s.Switches.is(switchDisabling, "clock") || slices.Contains(failed, sub.ID) {
			s.switchOff(sub, statusTooManyErrors)
			off = append(off, sub.ID)
		}
	}
	return off
}

// resume is called when delivering begins again: what was under way when it ended is due, and the time in between
// does not count as a time of failures.
func (s *State) resume(now time.Time) {
	for _, d := range s.Deliveries {
		if d.UnderWay {
			d.UnderWay, d.Due = false, now
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

// decoded returns the bytes that a secret stands for if it is base64, else the secret.
func decoded(key secret.Text) secret.Text {
	raw, err := base64.StdEncoding.DecodeString(key.Reveal())
	if err != nil {
		return key
	}
	return secret.Text(raw)
}
