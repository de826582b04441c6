package sandbox

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/tlxhook/tlxhook/pkg/targeturl"
)

const (
	// maxUnderWay is how many deliveries are under way at once.
	maxUnderWay = 16
	// poll is how often a deliverer looks for what is due. Another program may have put it there.
	poll = 50 * time.Millisecond
)

// A Deliverer sends what waits in a store, as the service does: signed, with retries, until a subscription has
// failed for too long.
type Deliverer struct {
	store Store
	via   http.RoundTripper
	// Attempted, if it is set, is called after every attempt.
	Attempted func(Attempt)
	// SwitchedOff, if it is set, is called with the id of a subscription that has failed for too long.
	SwitchedOff func(id int64)
}

// NewDeliverer returns a deliverer. Via sends the deliveries; nil stands for a transport that reaches this machine
// alone, uses no proxy, and so keeps the deliveries of a sandbox from ever leaving it.
func NewDeliverer(store Store, via http.RoundTripper) *Deliverer {
	if via == nil {
		via = loopbackTransport()
	}
	return &Deliverer{store: store, via: via}
}

// loopbackTransport refuses every address that is not on this machine. The address is checked once the name is
// resolved and before anything is sent, so a name cannot mean one address first and another one then.
func loopbackTransport() *http.Transport {
	dialer := &net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		host, _, err := net.SplitHostPort(address)
		if err != nil || !targeturl.IsLoopback(host) {
			return ErrNotThisMachine
		}
		return nil
	}}
	return &http.Transport{
		DialContext: dialer.DialContext, MaxIdleConnsPerHost: maxUnderWay, IdleConnTimeout: 30 * time.Second,
		MaxResponseHeaderBytes: 64 << 10, DisableCompression: true,
	}
}

// Run delivers until the context ends. What is under way then may finish within the time that serving has for it.
func (d *Deliverer) Run(ctx context.Context) error {
	err := d.store.Update(ctx, func(s *State) error { s.resume(time.Now()); return nil })
	if err != nil {
		return fmt.Errorf("deliver: %w", err)
	}
	underWay, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(drainTime, stop) })()
	done := make(chan Attempt, maxUnderWay)
	var results []Attempt
	for sent := 0; ; {
		room := maxUnderWay - sent
		if ctx.Err() != nil {
			room = 0
		}
		taken, err := d.step(context.WithoutCancel(ctx), results, room)
		if err != nil {
			return err
		}
		for _, one := range taken {
			go func() { done <- d.send(underWay, one) }()
		}
		sent += len(taken)
		if sent == 0 && ctx.Err() != nil {
			return nil
		}
		results = collect(ctx, done)
		sent -= len(results)
	}
}

// collect returns what is done, once something is, or it is time to look for what is due.
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

// step keeps what came of attempts and takes up to room deliveries that are due, in one transaction.
func (d *Deliverer) step(ctx context.Context, results []Attempt, room int) (taken []sending, err error) {
	var off, failed []int64
	err = d.store.Update(ctx, func(s *State) error {
		now := time.Now()
		for i, a := range results {
			if results[i] = s.record(a, now); !results[i].Delivered {
				failed = append(failed, a.SubscriptionID)
			}
		}
		off = s.sweep(failed, now)
		taken = s.take(room, now)
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
	for _, id := range off {
		if d.SwitchedOff != nil {
			d.SwitchedOff(id)
		}
	}
	return taken, nil
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
