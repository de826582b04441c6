package sandbox

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

const (
	// maxInFlight limits concurrent deliveries.
	maxInFlight = 16
	// poll is the interval between checks for due deliveries, which another process may have queued.
	poll = 50 * time.Millisecond
)

// Deliverer sends the queued deliveries of a store, signed and with retries, until their subscription is disabled.
type Deliverer struct {
	store Store
	via   http.RoundTripper
	// Attempted, if set, is called after every attempt.
	Attempted func(Attempt)
	// Disabled, if set, is called with the ID of a subscription that was disabled because of its failures.
	Disabled func(id int64)
}

// NewDeliverer returns a deliverer over a transport. The default for nil reaches loopback addresses only; see
// [NewTransport].
func NewDeliverer(store Store, via http.RoundTripper) *Deliverer {
	if via == nil {
		via = NewTransport(nil)
	}
	return &Deliverer{store: store, via: via}
}

// Run delivers until the context ends. Deliveries in flight may take drainTimeout to finish.
func (d *Deliverer) Run(ctx context.Context) error {
	err := d.store.Update(ctx, func(s *State) error { s.resume(time.Now()); return nil })
	if err != nil {
		return fmt.Errorf("deliver: %w", err)
	}
	inFlight, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(drainTimeout, stop) })()
	done := make(chan Attempt, maxInFlight)
	var results []Attempt
	for sent := 0; ; {
		room := maxInFlight - sent
		if ctx.Err() != nil {
			room = 0
		}
		claimed, err := d.step(context.WithoutCancel(ctx), results, room)
		if err != nil {
			return err
		}
		for _, one := range claimed {
			go func() { done <- d.send(inFlight, one) }()
		}
		sent += len(claimed)
		if sent == 0 && ctx.Err() != nil {
			return nil
		}
		results = collect(ctx, done)
		sent -= len(results)
	}
}

// collect returns finished attempts. It waits up to the poll interval for the first one.
func collect(ctx context.Context, done <-chan Attempt) (results []Attempt) {
	tick := time.NewTimer(poll)
	defer tick.Stop()
	ending := ctx.Done()
	if ctx.Err() != nil {
		ending = nil
	}
	select {
	case <-ending:
	case <-tick.C:
	case a := <-done:
		results = append(results, a)
	}
	for len(done) > 0 {
		results = append(results, <-done)
	}
	return results
}

// step records results and claims up to room due deliveries in one transaction.
func (d *Deliverer) step(ctx context.Context, results []Attempt, room int) (claimed []sending, err error) {
	var disabled, failed []int64
	err = d.store.Update(ctx, func(s *State) error {
		now := time.Now()
		for i, a := range results {
			if results[i] = s.record(a, now); !results[i].Delivered {
				failed = append(failed, a.SubscriptionID)
			}
		}
		disabled = s.disableFailing(failed, now)
		claimed = s.claim(room, now)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("deliver: %w", err)
	}
	for _, a := range results {
		if d.Attempted != nil {
			d.Attempted(a)
		}
	}
	for _, id := range disabled {
		if d.Disabled != nil {
			d.Disabled(id)
		}
	}
	return claimed, nil
}

// send makes one attempt.
func (d *Deliverer) send(ctx context.Context, one sending) Attempt {
	ctx, cancel := context.WithTimeout(ctx, one.timeout)
	defer cancel()
	a := Attempt{
		Key: one.Key, SubscriptionID: one.Subscription, Event: one.Event, ObjectID: one.Object,
		Target: one.out.Target, Number: one.Attempts + 1,
	}
	a.Answer, a.Err = one.out.Send(ctx, d.via)
	return a
}
